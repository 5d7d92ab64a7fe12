"""Messages, templates, suppressed addresses and preferences in Django's admin."""

from notifications.admin.messages import MessageAdmin
from notifications.admin.overrides import EmailOverrideAdmin
from notifications.admin.preferences import PreferenceAdmin
from notifications.admin.sms_templates import SmsTemplateAdmin
from notifications.admin.suppressions import SuppressionAdmin

__all__ = ["EmailOverrideAdmin", "MessageAdmin", "PreferenceAdmin", "SmsTemplateAdmin", "SuppressionAdmin"]
