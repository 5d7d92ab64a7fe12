"""Messages, templates, suppressions, preferences and webhooks in Django's admin."""

from notifications.admin import home, user_messages
from notifications.admin.audience import PreferenceAdmin, SuppressionAdmin
from notifications.admin.messages import MessageAdmin
from notifications.admin.overrides import EmailOverrideAdmin
from notifications.admin.sms_templates import SmsTemplateAdmin
from notifications.admin.webhooks import WebhookDeliveryAdmin, WebhookEndpointAdmin

__all__ = [
    "EmailOverrideAdmin",
    "MessageAdmin",
    "PreferenceAdmin",
    "SmsTemplateAdmin",
    "SuppressionAdmin",
    "WebhookDeliveryAdmin",
    "WebhookEndpointAdmin",
    "home",
    "user_messages",
]
