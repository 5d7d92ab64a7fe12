"""Retention: remove first the content and recipients of old messages, then the messages.

PostgreSQL removes a whole month of messages, and of what belongs to them, by dropping their partitions.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from foodfleet.core.database import batches, partitions
from notifications.models import Attachment, Message, MessageEvent, Receipt, SearchText, WebhookDelivery
from notifications.models.messages import MessageQuerySet
from notifications.services.compose import attachments
from notifications.states import Status, sources

logger = structlog.get_logger(__name__)

MAX_BATCHES = 200  # in one run: 100,000 messages; the next run continues
REMOVED_AT_ONCE = 5_000
BELONGING = (MessageEvent, SearchText, WebhookDelivery)  # tables with partitions by the month of the message
BY_MONTH = (Message, *BELONGING)
# Reports older than a day are refused (sns_envelopes.MAX_AGE), so a removed report cannot be replayed.
RECEIPTS_KEPT = timedelta(days=3)
ROLLED_BACK_BY = timedelta(days=1)  # longer than any transaction
NO_CONTENT: dict[str, Any] = {"to": [], "cc": [], "bcc": [], "subject": "", "payload": "", "last_error": ""}
NOTHING = {**NO_CONTENT, "request_id": ""}


@dataclass(frozen=True)
class Forgotten:
    """The number of changed and removed rows, and of removed orphaned files. Dropped partitions are not counted."""

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
    for model in BY_MONTH:
        partitions.make_ahead(model, now)
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
    messages = list(Message.objects.expired_dead_letters(now).only("pk", "created_at")[: batches.BATCH])
    return int(Message.objects.expired_dead_letters(now).these(messages).update(payload=""))


def _reduce(now: datetime) -> int:
    due = Message.objects.to_reduce(now - timedelta(days=settings.MESSAGES_REDUCED_AFTER_DAYS))
    with transaction.atomic():
        messages = list(
            due.select_for_update(skip_locked=True)[: batches.BATCH]
        )  # skips messages that are being retried
        keys = [message.pk for message in messages]
        Message.objects.finished().these(messages).update(reduced_at=now, **NOTHING)
        Attachment.objects.filter(message__in=keys).update(filename="")
        MessageEvent.objects.filter(message__in=keys).exclude(details={}).update(details={})
    attachments.discard_of([message for message in messages if message.has_attachments])
    return len(keys)


def _remove(now: datetime) -> int:
    """Remove old messages: those of a whole month with its partitions, others in batches. Returns how many others.

    A month with a message that is not finished loses the others. Messages in no partition of a month, being older or
    newer than all, are removed to the day.
    """
    before = now - timedelta(days=settings.MESSAGES_REMOVED_AFTER_DAYS)
    removed = 0
    for month in partitions.older(Message, before):
        messages = Message.objects.in_partition(month)
        if not messages.are_over():
            removed += _remove_rows(messages.to_remove(before))
        elif _remove_attachments(messages):
            partitions.drop(month)
    for month in (one for model in BELONGING for one in partitions.older(model, before)):
        if not Message.objects.in_partition(month).exists():
            partitions.drop(month)
    others = Message.objects.to_remove(before)
    for month in partitions.of(Message):
        if month.start is not None and month.start < before:
            others = others.exclude(created_at__gte=month.start, created_at__lt=month.end)
    return removed + _remove_rows(others)


def _remove_attachments(messages: MessageQuerySet) -> bool:
    """Remove attachments and their files. Returns whether all could be removed; the next run tries others again."""
    rows = Attachment.objects.filter(message__in=messages.values("pk"))
    attachments.discard(rows.exclude(file=""))
    batches.delete(rows.filter(file=""))
    return not rows.exists()


def _remove_rows(due: MessageQuerySet) -> int:
    """Remove messages. Each query starts where the last one ended, to skip removed rows in the index."""
    total, rest = 0, due
    for _round in range(MAX_BATCHES):
        with transaction.atomic():
            locked = rest.select_for_update(skip_locked=True).only("pk", "created_at", "has_attachments")
            messages = list(locked[:REMOVED_AT_ONCE])
            attachments.discard_with_rows([message for message in messages if message.has_attachments])
            Message.objects.these(messages).delete()
        total += len(messages)
        if len(messages) < REMOVED_AT_ONCE:
            break
        rest = due.filter(created_at__gte=messages[-1].created_at)
    return total
