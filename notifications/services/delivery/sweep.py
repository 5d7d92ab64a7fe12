"""Every few seconds: reclaims abandoned messages, cancels expired ones, and finds what is due."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from foodfleet.core.database.compiled import Compiled
from notifications.models import Message
from notifications.services.compose import attachments
from notifications.services.delivery import outcomes
from notifications.services.delivery.attempt import pause_after
from notifications.services.webhooks import events
from notifications.states import Channel, EventType, Guarantee, Priority, Status, WebhookEvent

logger = structlog.get_logger(__name__)

BATCH = 500
QUICK_ATTEMPTS = 2
UNUSED_FILES_AFTER = timedelta(hours=1)


@dataclass
class SweepResult:
    """How many messages were requeued, failed and cancelled, and which channels and priorities have due messages."""

    requeued: int = 0
    failed: int = 0
    cancelled: int = 0
    due: list[tuple[Channel, Priority]] = field(default_factory=list)


def sweep(now: datetime | None = None) -> SweepResult:
    """Reclaim abandoned messages, cancel expired ones, and return what is due."""
    now = now or timezone.now()
    result = SweepResult()
    for message in Message.objects.abandoned(now).order_by("leased_until")[:BATCH]:
        _reclaim(message, now, result)
    for message in Message.objects.expired(now)[:BATCH]:
        result.cancelled += _cancel(message, now)
    attachments.discard_of_ended(now - UNUSED_FILES_AFTER)
    result.due = [
        (channel, priority)
        for channel in Channel
        for priority in Priority
        if (first := _first_due(channel, priority)) is not None and first <= now
    ]
    if result.requeued or result.failed or result.cancelled:
        logger.warning(
            "messages_recovered",
            requeued=result.requeued,
            failed=result.failed,
            cancelled=result.cancelled,
        )
    return result


def next_due(channel: Channel, lowest: Priority) -> datetime | None:
    """Return when the next message of a channel, down to this priority, is due; None if none waits."""
    times = [_first_due(channel, priority) for priority in Priority if priority <= lowest]
    return min((time for time in times if time is not None), default=None)


def _first_due(channel: Channel, priority: Priority) -> datetime | None:
    """Return when the first message of a queue is due; None if none waits."""
    found = _first(channel, priority).tuples()
    return found[0][0] if found else None


@cache
def _first(channel: Channel, priority: Priority) -> Compiled:
    return Compiled(lambda: Message.objects.queued(channel, priority).values_list("due_at")[:1])


def _reclaim(message: Message, now: datetime, result: SweepResult) -> None:
    """Requeue a message whose process died.

    If sending had started, the message may have been sent. With the guarantee AT_MOST_ONCE it fails then.
    """
    is_uncertain = message.send_started_at is not None
    is_given_up = message.guarantee == Guarantee.AT_MOST_ONCE or now >= message.give_up_at
    target = Status.FAILED if is_given_up and is_uncertain else Status.QUEUED
    fields: dict[str, Any] = {"is_uncertain": True, "last_error": UNCERTAIN[target]} if is_uncertain else {}
    if message.attempts > QUICK_ATTEMPTS:  # it may be the message that kills the processes
        fields["due_at"] = now + pause_after(message.attempts)
    with transaction.atomic():
        if not Message.objects.reclaim(message, now, target, **fields):
            return
        outcomes.MOVES.add(message.channel, target)
        if is_uncertain:
            outcomes.record(message, EventType.UNCERTAIN, attempt=message.attempts, error=UNCERTAIN[target])
        if target == Status.FAILED:
            events.messages_changed(WebhookEvent.MESSAGE_FAILED, [message])
    result.failed += target == Status.FAILED
    result.requeued += target == Status.QUEUED


UNCERTAIN = {
    Status.FAILED: "The sending process died. The message may have been sent, and is not sent again.",
    Status.QUEUED: "The sending process died. The message is sent again, and may arrive twice.",
}


def _cancel(message: Message, now: datetime) -> bool:
    reason = "Not sent before it expired."
    with transaction.atomic():
        is_cancelled = Message.objects.expired(now).move(message, Status.CANCELLED, payload="", last_error=reason)
        if is_cancelled:
            outcomes.record(message, EventType.CANCELLED, error=reason)
            outcomes.MOVES.add(message.channel, Status.CANCELLED)
    return bool(is_cancelled)
