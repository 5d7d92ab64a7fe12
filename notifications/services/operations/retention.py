"""Forgetting: what a message said and to whom goes first, then the message itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from notifications.models import Attachment, Message, MessageEvent, Receipt
from notifications.services.compose import attachments

logger = structlog.get_logger(__name__)

BATCH = 500
MAX_BATCHES = 200  # in one run: 100,000 messages; the next run goes on
REMOVED_AT_ONCE = 5_000
# Reports older than a day are refused (sns_envelopes.MAX_AGE), so no replay of one that is forgotten gets in.
RECEIPTS_KEPT = timedelta(days=3)
ROLLED_BACK_BY = timedelta(days=1)  # no transaction is open for as long
NOTHING = {"to": [], "cc": [], "bcc": [], "subject": "", "payload": "", "last_error": "", "request_id": ""}


@dataclass(frozen=True)
class Forgotten:
    """How many rows were touched, and how many files that belonged to none."""

    emptied: int
    reduced: int
    removed: int
    receipts: int
    strays: int


def forget(now: datetime | None = None) -> Forgotten:
    """Do everything that is due, in batches with a transaction each."""
    now = now or timezone.now()
    done = Forgotten(
        emptied=_in_batches(lambda: _empty(now)),
        reduced=_in_batches(lambda: _reduce(now)),
        removed=_remove(now),
        receipts=_in_batches(lambda: _remove_receipts(now)),
        strays=attachments.discard_strays(now - ROLLED_BACK_BY),
    )
    logger.info("messages_forgotten", **vars(done))
    return done


def _in_batches(step: Callable[[], int]) -> int:
    total = 0
    for _round in range(MAX_BATCHES):
        count = step()
        total += count
        if count < BATCH:
            break
    return total


def _empty(now: datetime) -> int:
    """A message that failed and whose life is over cannot be sent again: its code or link goes at once."""
    keys = list(Message.objects.spent(now).values_list("pk", flat=True)[:BATCH])
    return int(Message.objects.spent(now).filter(pk__in=keys).update(payload=""))


def _reduce(now: datetime) -> int:
    due = Message.objects.to_reduce(now - timedelta(days=settings.MESSAGES_REDUCED_AFTER_DAYS))
    with transaction.atomic():
        messages = list(due.select_for_update(skip_locked=True)[:BATCH])  # not what somebody sends again just now
        keys = [message.pk for message in messages]
        Message.objects.finished().filter(pk__in=keys).update(reduced_at=now, **NOTHING)
        Attachment.objects.filter(message__in=keys).update(filename="")
        MessageEvent.objects.filter(message__in=keys).exclude(details={}).update(details={})
    attachments.discard_of([message for message in messages if message.has_attachments])
    return len(keys)


def _remove(now: datetime) -> int:
    """By large sets. Each looks on from where the last one ended: what is before it is gone, but not from the index."""
    due = Message.objects.to_remove(now - timedelta(days=settings.MESSAGES_REMOVED_AFTER_DAYS))
    total, rest = 0, due
    for _round in range(MAX_BATCHES):
        with transaction.atomic():
            locked = rest.select_for_update(skip_locked=True).only("pk", "created_at", "has_attachments")
            messages = list(locked[:REMOVED_AT_ONCE])
            attachments.discard_with_rows([message for message in messages if message.has_attachments])
            Message.objects.remove([message.pk for message in messages])
        total += len(messages)
        if len(messages) < REMOVED_AT_ONCE:
            break
        rest = due.filter(created_at__gte=messages[-1].created_at)
    return total


def _remove_receipts(now: datetime) -> int:
    keys = list(Receipt.objects.received_before(now - RECEIPTS_KEPT).values_list("pk", flat=True)[:BATCH])
    return int(Receipt.objects.filter(pk__in=keys).delete()[0])
