"""What notifications keep, a module for each subject."""

from notifications.models.messages import Attachment, Message, MessageEvent
from notifications.models.people import Preference, Suppression
from notifications.models.receipts import Receipt
from notifications.models.templates import EmailOverride, EmailOverrideVersion, SmsTemplate, SmsTemplateVersion

__all__ = [
    "Attachment",
    "EmailOverride",
    "EmailOverrideVersion",
    "Message",
    "MessageEvent",
    "Preference",
    "Receipt",
    "SmsTemplate",
    "SmsTemplateVersion",
    "Suppression",
]
