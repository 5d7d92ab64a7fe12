"""Looking messages up."""

from uuid import UUID

from notifications.exceptions import MessageNotFoundException
from notifications.models import Message


def find(message_id: str) -> Message:
    """The message of this id, with its timeline. Raises MessageNotFoundException, also for what is no id."""
    try:
        key = UUID(message_id)
    except ValueError:
        raise MessageNotFoundException from None
    found: Message | None = Message.objects.listed().filter(pk=key).first()
    if found is None:
        raise MessageNotFoundException
    return found
