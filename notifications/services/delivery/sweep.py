"""What a crash, a lost broker or time itself left behind: looked for every few seconds."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from notifications.models import Message
from notifications.services.compose import attachments
from notifications.services.delivery import outcomes
from notifications.services.delivery.attempt import pause_after
from notifications.states import Channel, EventType, Guarantee, Priority, Status

logger = structlog.get_logger(__name__)

BATCH = 500
QUICK_TRIES = 2
LEFT_BEHIND_AFTER = timedelta(hours=1)


@dataclass
class Recovered:
    """What a sweep found: messages given back, given up, too late; and what is due, by channel and priority."""

    requeued: int = 0
    failed: int = 0
    cancelled: int = 0
    due: list[tuple[Channel, Priority]] = field(default_factory=list)


def sweep(now: datetime | None = None) -> Recovered:
    """Take abandoned messages back, cancel what is too late, and say what is due."""
    now = now or timezone.now()
    recovered = Recovered()
    with Message.objects.along_indexes():
        abandoned = list(Message.objects.abandoned(now).order_by("leased_until")[:BATCH])
        too_late = list(Message.objects.too_late(now)[:BATCH])
    for message in abandoned:
        _take_back(message, now, recovered)
    for message in too_late:
        recovered.cancelled += _cancel(message, now)
    attachments.discard_of_ended(now - LEFT_BEHIND_AFTER)
    with Message.objects.along_indexes():
        recovered.due = [
            (channel, priority)
            for channel in Channel
            for priority in Priority
            if Message.objects.queued(channel, priority).filter(due_at__lte=now).exists()
        ]
    if recovered.requeued or recovered.failed or recovered.cancelled:
        logger.warning(
            "messages_recovered",
            requeued=recovered.requeued,
            failed=recovered.failed,
            cancelled=recovered.cancelled,
        )
    return recovered


def next_due(channel: Channel, lowest: Priority) -> datetime | None:
    """When the next message of a channel, down to this priority, is due; None where none waits."""
    with Message.objects.along_indexes():
        times = [
            Message.objects.queued(channel, priority).values_list("due_at", flat=True).first()
            for priority in Priority
            if priority <= lowest
        ]
    return min((time for time in times if time is not None), default=None)


def _take_back(message: Message, now: datetime, recovered: Recovered) -> None:
    """Its sender died. Was it sent? Not if it had not been handed over; else nobody knows, and the template chose."""
    is_uncertain = message.handed_over_at is not None
    is_given_up = message.guarantee == Guarantee.AT_MOST_ONCE or now >= message.give_up_at
    target = Status.FAILED if is_given_up and is_uncertain else Status.QUEUED
    fields: dict[str, Any] = {"is_uncertain": True, "last_error": UNCERTAIN[target]} if is_uncertain else {}
    if message.attempts > QUICK_TRIES:  # perhaps it is what its senders died of
        fields["due_at"] = now + pause_after(message.attempts)
    with transaction.atomic():
        if not Message.objects.take_away(message.pk, now, target, **fields):
            return
        if is_uncertain:
            outcomes.record(message, EventType.UNCERTAIN, attempt=message.attempts, error=UNCERTAIN[target])
    recovered.failed += target == Status.FAILED
    recovered.requeued += target == Status.QUEUED


UNCERTAIN = {
    Status.FAILED: "Its sender died. It may have been sent, and is not sent twice.",
    Status.QUEUED: "Its sender died. It is sent again, and may arrive twice.",
}


def _cancel(message: Message, now: datetime) -> bool:
    reason = "Not sent within its life."
    with transaction.atomic():
        is_cancelled = Message.objects.too_late(now).move(message.pk, Status.CANCELLED, payload="", last_error=reason)
        if is_cancelled:
            outcomes.record(message, EventType.CANCELLED, error=reason)
    return bool(is_cancelled)
