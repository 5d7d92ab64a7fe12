"""Export and remove a user's messages."""

from typing import Any

from django.dispatch import receiver

from accounts import signals as accounts
from accounts.models import User
from notifications.models import Message
from notifications.services.audience import preferences
from notifications.services.operations import retention

FIELDS = ("id", "channel", "to", "subject", "template", "status", "created_at", "sent_at")


@receiver(accounts.own_data_requested)
def messages_of(user: User, **kwargs: Any) -> dict[str, Any]:
    """Return the messages to `user` and their preferences, for the export of their data."""
    messages = list(Message.objects.to_people().filter(user=user).order_by("-created_at").values(*FIELDS))
    return {"messages": messages, "preferences": preferences.of(user)}


@receiver(accounts.user_deleted)
def forget_recipient(user: User, **kwargs: Any) -> None:
    """Remove the content and recipients of the messages to `user`, and their preferences."""
    retention.erase_recipient(user)
    preferences.forget(user)
