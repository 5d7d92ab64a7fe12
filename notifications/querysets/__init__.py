"""Queries of notifications, by name, a module for each subject."""

from notifications.querysets.attachments import AttachmentQuerySet
from notifications.querysets.files import StoredFileQuerySet
from notifications.querysets.messages import MessageQuerySet
from notifications.querysets.people import PreferenceQuerySet, SuppressionQuerySet
from notifications.querysets.receipts import ReceiptQuerySet
from notifications.querysets.templates import EmailOverrideQuerySet, SmsTemplateQuerySet

__all__ = [
    "AttachmentQuerySet",
    "EmailOverrideQuerySet",
    "MessageQuerySet",
    "PreferenceQuerySet",
    "ReceiptQuerySet",
    "SmsTemplateQuerySet",
    "StoredFileQuerySet",
    "SuppressionQuerySet",
]
