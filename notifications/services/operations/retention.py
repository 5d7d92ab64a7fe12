"""Retention: remove first the content and recipients of old messages, then the messages."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from foodfleet.core.database import batches
from notifications.models import Attachment, Message, MessageEvent, Receipt
from notifications.services.compose import attachments
from notifications.states import Status, sources

logger = structlog.get_logger(__name__)

MAX_BATCHES = 200  # in one run: 100,000 messages; the next run continues
REMOVED_AT_ONCE = 5_000
# Reports older than a day are refused (sns_envelopes.MAX_AGE), so a removed report cannot be replayed.
RECEIPTS_KEPT = timedelta(days=3)
ROLLED_BACK_BY = timedelta(days=1)  # longer than any transaction
NO_CONTENT: dict[str, Any] = {"to": [], "cc": [], "bcc": [], "subject": "", "payload": "", "last_error": ""}
NOTHING = {**NO_CONTENT, "request_id": ""}


@dataclass(frozen=True)
class Forgotten:
    """The number of changed and removed rows, and of removed orphaned files."""

    emptied: int
    reduced: int
    removed: int
    receipts: int
    orphans: int


def erase_recipient(user: User) -> None:
    """Cancel queued messages to `user`, and remove content and recipients from all messages to them."""
    messages = Message.objects.filter(user=user)
    messages.filter(status__in=sources(Status.CANCELLED)).update(status=Status.CANCELLED)
    messages.update(reduced_at=timezone.now(), **NO_CONTENT)
    MessageEvent.objects.filter(message__in=messages).exclude(details={}).update(details={})
    Attachment.objects.filter(message__in=messages).update(filename="")


def forget(now: datetime | None = None) -> Forgotten:
    """Apply the retention periods, in batches with a transaction each."""
    now = now or timezone.now()
    done = Forgotten(
        emptied=batches.repeat(lambda: _empty(now), most=MAX_BATCHES),
        reduced=batches.repeat(lambda: _reduce(now), most=MAX_BATCHES),
        removed=_remove(now),
        receipts=batches.delete(Receipt.objects.received_before(now - RECEIPTS_KEPT), most=MAX_BATCHES),
        orphans=attachments.discard_orphans(now - ROLLED_BACK_BY),
    )
    logger.info("messages_forgotten", **vars(done))
    return done


def _empty(now: datetime) -> int:
    """Remove the content of failed messages that have expired and cannot be sent again."""
    keys = list(Message.objects.expired_dead_letters(now).values_list("pk", flat=True)[: batches.BATCH])
    return int(Message.objects.expired_dead_letters(now).filter(pk__in=keys).update(payload=""))


def _reduce(now: datetime) -> int:
    due = Message.objects.to_reduce(now - timedelta(days=settings.MESSAGES_REDUCED_AFTER_DAYS))
    with transaction.atomic():
        messages = list(
            due.select_for_update(skip_locked=True)[: batches.BATCH]
        )  # skips messages that are being retried
        keys = [message.pk for message in messages]
        Message.objects.finished().filter(pk__in=keys).update(reduced_at=now, **NOTHING)
        Attachment.objects.filter(message__in=keys).update(filename="")
        MessageEvent.objects.filter(message__in=keys).exclude(details={}).update(details={})
    attachments.discard_of([message for message in messages if message.has_attachments])
    return len(keys)


def _remove(now: datetime) -> int:
    """Remove old messages. Each query starts where the last one ended, to skip removed rows in the index."""
    due = Message.objects.to_remove(now - timedelta(days=settings.MESSAGES_REMOVED_AFTER_DAYS))
    total, rest = 0, due
    for _round in range(MAX_BATCHES):
        with transaction.atomic():
            locked = rest.select_for_update(skip_locked=True).only("pk", "created_at", "has_attachments")
            messages = list(locked[:REMOVED_AT_ONCE])
            attachments.discard_with_rows([message for message in messages if message.has_attachments])
            Message.objects.filter(pk__in=[message.pk for message in messages]).delete()
        total += len(messages)
        if len(messages) < REMOVED_AT_ONCE:
            break
        rest = due.filter(created_at__gte=messages[-1].created_at)
    return total
