"""Messages that failed: listed by `Message.objects.dead_letters()`, sent again one by one or by filter."""

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from notifications import signals
from notifications.exceptions import MessageNotRetriableException
from notifications.models import Message
from notifications.querysets import MessageQuerySet
from notifications.services import outcomes
from notifications.services.writing import TRIED_FOR
from notifications.states import EventType, Status

logger = structlog.get_logger(__name__)

BATCH = 500


def retry(*, message: Message, by: User | None) -> Message:
    """Put one failed message back into the queue, with a whole day of tries before it.

    Raises MessageNotRetriableException where it has not failed, its content is gone, or its life is over.
    """
    now = timezone.now()
    if message.expires_at is not None and message.expires_at <= now:
        raise MessageNotRetriableException
    with transaction.atomic():
        again = {"due_at": now, "give_up_at": now + TRIED_FOR, "attempts": 0}
        if not Message.objects.dead_letters().order_by().move(message.pk, Status.QUEUED, **again):
            raise MessageNotRetriableException
        outcomes.record(message, EventType.RETRIED, by=by.pk if by else None)
        message.refresh_from_db()
        signals.message_queued.send(sender=Message, message=message)
    logger.info("message_retried", message_id=str(message.pk), by=by.pk if by else None)
    return message


def retry_all(*, messages: MessageQuerySet, by: User | None) -> int:
    """Put every dead letter among `messages` back into the queue, as far as they can be; returns how many."""
    retried = 0
    for message in messages.dead_letters().iterator(chunk_size=BATCH):
        try:
            retry(message=message, by=by)
            retried += 1
        except MessageNotRetriableException:
            continue
    return retried
