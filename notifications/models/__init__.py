"""What notifications keep, a module for each subject."""

from notifications.models.messages import Message

__all__ = ["Message"]
