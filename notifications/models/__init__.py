"""What notifications keep, a module for each subject."""

from notifications.models.messages import Attachment, Message, MessageEvent

__all__ = ["Attachment", "Message", "MessageEvent"]
