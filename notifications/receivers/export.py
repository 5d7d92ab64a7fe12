"""Somebody asks for all data about them -> what notifications keep of it."""

from typing import Any

from django.dispatch import receiver

from accounts import signals as accounts
from accounts.models import User
from notifications.models import Message
from notifications.services.audience import preferences

FIELDS = ("id", "channel", "to", "subject", "template", "status", "created_at", "sent_at")


@receiver(accounts.own_data_requested)
def messages_of(user: User, **kwargs: Any) -> dict[str, Any]:
    """The messages to `user`, and which kinds of them they want."""
    messages = list(Message.objects.filter(user=user).order_by("-created_at").values(*FIELDS))
    return {"messages": messages, "preferences": preferences.of(user)}
