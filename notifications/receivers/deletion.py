"""An account goes -> its messages say no longer whom and what."""

from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from accounts import signals as accounts
from accounts.models import User
from notifications.models import Message


@receiver(accounts.user_deleted)
def forget_recipient(user: User, **kwargs: Any) -> None:
    """Empty the messages to `user`."""
    Message.objects.forget_recipient(user, timezone.now())
