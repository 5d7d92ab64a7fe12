"""What workers do: an id in, one service call."""

from uuid import UUID

from celery import shared_task

from notifications.services import delivery


@shared_task(name="notifications.deliver")
def deliver(message_id: str) -> None:
    """Send one message."""
    delivery.deliver(UUID(message_id))
