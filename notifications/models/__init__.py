"""What notifications keep, a module for each subject."""

from notifications.models.files import StoredFile
from notifications.models.messages import Attachment, Message, MessageEvent, SearchText
from notifications.models.people import Preference, Suppression
from notifications.models.quota import RateBucket
from notifications.models.receipts import Receipt
from notifications.models.templates import (
    SMS_LENGTH,
    EmailOverride,
    EmailOverrideVersion,
    SmsTemplate,
    SmsTemplateVersion,
)

__all__ = [
    "SMS_LENGTH",
    "Attachment",
    "EmailOverride",
    "EmailOverrideVersion",
    "Message",
    "MessageEvent",
    "Preference",
    "RateBucket",
    "Receipt",
    "SearchText",
    "SmsTemplate",
    "SmsTemplateVersion",
    "StoredFile",
    "Suppression",
]
