"""Tables of notifications, a module for each subject."""

from notifications.models.attachments import Attachment, StoredFile
from notifications.models.audience import Preference, Suppression
from notifications.models.events import MessageEvent
from notifications.models.messages import Message
from notifications.models.receipts import Receipt
from notifications.models.search import SearchText
from notifications.models.templates import (
    SMS_LENGTH,
    EmailOverride,
    EmailOverrideVersion,
    SmsTemplate,
    SmsTemplateVersion,
)
from notifications.models.webhooks import WebhookDelivery, WebhookEndpoint

__all__ = [
    "SMS_LENGTH",
    "Attachment",
    "EmailOverride",
    "EmailOverrideVersion",
    "Message",
    "MessageEvent",
    "Preference",
    "Receipt",
    "SearchText",
    "SmsTemplate",
    "SmsTemplateVersion",
    "StoredFile",
    "Suppression",
    "WebhookDelivery",
    "WebhookEndpoint",
]
