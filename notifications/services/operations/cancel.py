"""Calling back what still waits: a mail with the wrong price, a text to the wrong people."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from django.db import transaction

from accounts.models import User
from notifications.exceptions import MessageNotCancellableException
from notifications.models import Message
from notifications.querysets import MessageQuerySet
from notifications.services.compose import attachments
from notifications.services.delivery import outcomes
from notifications.services.operations import batches
from notifications.states import EventType, Status
from rbac.services import actors

logger = structlog.get_logger(__name__)


def cancel(*, message: Message, by: User | None) -> None:
    """Call one queued message back; its content and its files go.

    Raises MessageNotCancellableException where it is no longer queued.
    """
    if not _cancel_batch([message.pk], by):
        raise MessageNotCancellableException
    logger.info("message_cancelled", message_id=str(message.pk), by=by.pk if by else None)


def cancel_all(*, messages: MessageQuerySet, by: User | None, tell: batches.Heard = batches.nobody) -> int:
    """Call back what still waits among `messages`, batches.MOST at once; returns how many.

    tell: is given those of each batch, in its transaction.
    """
    keys = list(messages.waiting().order_by("due_at").values_list("pk", flat=True)[: batches.MOST])
    cancelled = batches.each(keys, lambda batch: _cancel_batch(batch, by, tell))
    logger.info("messages_cancelled", count=cancelled, by=by.pk if by else None)
    return cancelled


def _cancel_batch(keys: Sequence[UUID], by: User | None, tell: batches.Heard = batches.nobody) -> int:
    with transaction.atomic():
        actors.lock_actor(by, "notifications:send")
        moved = Message.objects.waiting().move_all(keys, Status.CANCELLED, payload="")
        outcomes.record_all(moved, EventType.CANCELLED, by=by.pk if by else None)
        tell(moved)
        with_files = [message for message in moved if message.has_attachments]
        transaction.on_commit(lambda: attachments.discard_of(with_files))  # a file that is gone comes not back
    return len(moved)
