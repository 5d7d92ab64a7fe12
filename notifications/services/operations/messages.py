"""Look up, retry and cancel messages."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from foodfleet.core.database import batches
from notifications import signals
from notifications.exceptions import (
    MessageNotCancellableException,
    MessageNotFoundException,
    MessageNotRetriableException,
)
from notifications.models import Message
from notifications.models.messages import MessageQuerySet
from notifications.services.compose import attachments
from notifications.services.compose.writing import TRIED_FOR
from notifications.services.delivery import outcomes
from notifications.states import EventType, Status
from rbac.services import actors

logger = structlog.get_logger(__name__)


def find(message_id: str) -> Message:
    """Return the message with this ID. Raises MessageNotFoundException, also for an invalid ID."""
    try:
        key = UUID(message_id)
    except ValueError:
        raise MessageNotFoundException from None
    found: Message | None = Message.objects.to_people().listed().filter(pk=key).first()
    if found is None:
        raise MessageNotFoundException
    return found


def retry(*, message: Message, by: User | None) -> Message:
    """Queue a failed message again, with the full time to send it.

    Raises MessageNotRetriableException if it has not failed, its content was removed or it has expired.
    """
    now = timezone.now()
    if message.expires_at is not None and message.expires_at <= now:
        raise MessageNotRetriableException
    with transaction.atomic():
        actors.lock_actor(by, "notifications:send")
        again = {"due_at": now, "give_up_at": now + TRIED_FOR, "attempts": 0}
        if not Message.objects.dead_letters().order_by().move(message, Status.QUEUED, **again):
            raise MessageNotRetriableException
        outcomes.record(message, EventType.RETRIED, by=by.pk if by else None)
        message.refresh_from_db()
        signals.message_queued.send(sender=Message, message=message)
    logger.info("message_retried", message_id=str(message.pk), by=by.pk if by else None)
    return message


def retry_all(*, messages: MessageQuerySet, by: User | None, on_batch: batches.Callback = batches.ignore) -> int:
    """Queue the failed messages among `messages` again, at most batches.MOST. Returns how many.

    on_batch: called with the messages of each batch, in its transaction.
    """
    now = timezone.now()
    keys = list(messages.retriable(now).values_list("pk", flat=True)[: batches.MOST])
    queued: list[Message] = []

    def step(batch: Sequence[UUID]) -> int:
        moved = _retry_batch(batch, now, by, on_batch)
        queued.extend(moved)
        return len(moved)

    retried = batches.for_each(keys, step)
    _announce(queued)
    logger.info("messages_retried", count=retried, by=by.pk if by else None)
    return retried


def _retry_batch(keys: Sequence[UUID], now: datetime, by: User | None, on_batch: batches.Callback) -> list[Message]:
    again = {"due_at": now, "give_up_at": now + TRIED_FOR, "attempts": 0}
    with transaction.atomic():
        actors.lock_actor(by, "notifications:send")
        moved: list[Message] = Message.objects.retriable(now).move_all(keys, Status.QUEUED, **again)
        outcomes.record_all(moved, EventType.RETRIED, by=by.pk if by else None)
        on_batch(moved)
    return moved


def _announce(queued: Sequence[Message]) -> None:
    """Notify workers with one message of each priority; they find the other committed messages in the table."""
    with transaction.atomic():
        for message in {message.priority: message for message in queued}.values():
            signals.message_queued.send(sender=Message, message=message)


def cancel(*, message: Message, by: User | None) -> None:
    """Cancel a queued message and remove its content and files.

    Raises MessageNotCancellableException if it is no longer queued.
    """
    if not _cancel_batch([message.pk], by):
        raise MessageNotCancellableException
    logger.info("message_cancelled", message_id=str(message.pk), by=by.pk if by else None)


def cancel_all(*, messages: MessageQuerySet, by: User | None, on_batch: batches.Callback = batches.ignore) -> int:
    """Cancel the queued messages among `messages`, at most batches.MOST. Returns how many.

    on_batch: called with the messages of each batch, in its transaction.
    """
    keys = list(messages.waiting().order_by("due_at").values_list("pk", flat=True)[: batches.MOST])
    cancelled = batches.for_each(keys, lambda batch: _cancel_batch(batch, by, on_batch))
    logger.info("messages_cancelled", count=cancelled, by=by.pk if by else None)
    return cancelled


def _cancel_batch(keys: Sequence[UUID], by: User | None, on_batch: batches.Callback = batches.ignore) -> int:
    with transaction.atomic():
        actors.lock_actor(by, "notifications:send")
        moved = Message.objects.waiting().move_all(keys, Status.CANCELLED, payload="")
        outcomes.record_all(moved, EventType.CANCELLED, by=by.pk if by else None)
        on_batch(moved)
        with_files = [message for message in moved if message.has_attachments]
        transaction.on_commit(
            lambda: attachments.discard_of(with_files)
        )  # after the commit: a removed file cannot be restored
    return len(moved)
