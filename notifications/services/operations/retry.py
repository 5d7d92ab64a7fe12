"""Messages that failed: listed by `Message.objects.dead_letters()`, sent again one by one or by filter."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from notifications import signals
from notifications.exceptions import MessageNotRetriableException
from notifications.models import Message
from notifications.querysets import MessageQuerySet
from notifications.services.compose.writing import TRIED_FOR
from notifications.services.delivery import outcomes
from notifications.services.operations import batches
from notifications.states import EventType, Status
from rbac.services import actors

logger = structlog.get_logger(__name__)


def retry(*, message: Message, by: User | None) -> Message:
    """Put one failed message back into the queue, with a whole day of tries before it.

    Raises MessageNotRetriableException where it has not failed, its content is gone, or its life is over.
    """
    now = timezone.now()
    if message.expires_at is not None and message.expires_at <= now:
        raise MessageNotRetriableException
    with transaction.atomic():
        actors.lock_actor(by, "notifications:send")
        again = {"due_at": now, "give_up_at": now + TRIED_FOR, "attempts": 0}
        if not Message.objects.dead_letters().order_by().move(message.pk, Status.QUEUED, **again):
            raise MessageNotRetriableException
        outcomes.record(message, EventType.RETRIED, by=by.pk if by else None)
        message.refresh_from_db()
        signals.message_queued.send(sender=Message, message=message)
    logger.info("message_retried", message_id=str(message.pk), by=by.pk if by else None)
    return message


def retry_all(*, messages: MessageQuerySet, by: User | None, tell: batches.Heard = batches.nobody) -> int:
    """Put every dead letter among `messages` back into the queue, batches.MOST at once; returns how many.

    tell: is given those of each batch, in its transaction.
    """
    now = timezone.now()
    keys = list(messages.retriable(now).values_list("pk", flat=True)[: batches.MOST])
    queued: list[Message] = []

    def step(batch: Sequence[UUID]) -> int:
        moved = _retry_batch(batch, now, by, tell)
        queued.extend(moved)
        return len(moved)

    retried = batches.each(keys, step)
    _announce(queued)
    logger.info("messages_retried", count=retried, by=by.pk if by else None)
    return retried


def _retry_batch(keys: Sequence[UUID], now: datetime, by: User | None, tell: batches.Heard) -> list[Message]:
    again = {"due_at": now, "give_up_at": now + TRIED_FOR, "attempts": 0}
    with transaction.atomic():
        actors.lock_actor(by, "notifications:send")
        moved: list[Message] = Message.objects.retriable(now).move_all(keys, Status.QUEUED, **again)
        outcomes.record_all(moved, EventType.RETRIED, by=by.pk if by else None)
        tell(moved)
    return moved


def _announce(queued: Sequence[Message]) -> None:
    """Wake delivery once, with one message of each lane; it finds the others, which are committed, by itself."""
    with transaction.atomic():
        for message in {message.priority: message for message in queued}.values():
            signals.message_queued.send(sender=Message, message=message)
