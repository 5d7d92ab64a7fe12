"""Commits the outcomes of attempts, and writes the timelines of messages."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import Error, transaction
from django.db.models import F
from django.utils import timezone

from foodfleet.core.metrics.counters import Counter
from notifications.models import Message, MessageEvent
from notifications.services.compose import attachments
from notifications.services.delivery.attempt import Outcome
from notifications.services.webhooks import events, health
from notifications.states import Channel, EventType, Status, WebhookEvent

logger = structlog.get_logger(__name__)

MOVES = Counter("foodfleet_message_moves_total", "Messages by channel and the state they moved to.", "channel", "state")

EVENTS = {
    Status.SENT: EventType.SENT,
    Status.QUEUED: EventType.POSTPONED,
    Status.FAILED: EventType.FAILED,
    Status.SUPPRESSED: EventType.SUPPRESSED,
    Status.CANCELLED: EventType.CANCELLED,
}
# After these the content is erased: it may contain a code, or a link that gives access to an account.
CONTENT_IS_DONE = frozenset({Status.SENT, Status.SUPPRESSED, Status.CANCELLED})


def record(message: Message, type: EventType, *, source_id: str = "", **details: Any) -> MessageEvent:  # noqa: A002
    """Add an event to the timeline of `message`. source_id: of the provider's report, which counts once."""
    return MessageEvent.objects.create(message=message, type=type, source_id=source_id, details=details)


def record_all(messages: Sequence[Message], type: EventType, **details: Any) -> None:  # noqa: A002
    """Add the same event to the timelines of all of these messages."""
    MessageEvent.objects.bulk_create(MessageEvent(message=message, type=type, details=details) for message in messages)


@dataclass(frozen=True)
class Committed:
    """The messages that were still claimed. finished: their outcomes were saved; started: they may be sent."""

    finished: AbstractSet[UUID]
    started: AbstractSet[UUID]


def commit(outcomes: Sequence[Outcome], claim: UUID, starting: Sequence[Message] = ()) -> Committed:
    """Save outcomes, and record that sending starts, in one transaction. Call `clean_up` afterwards.

    Idempotent: a second call changes nothing, and its result is without the outcomes that the first saved.
    """
    now = timezone.now()
    with transaction.atomic(savepoint=False):
        sent = _move_sent(outcomes, claim, now)
        finished = [outcome for outcome in outcomes if outcome.message.pk in sent or _move(outcome, claim, now)]
        MessageEvent.objects.bulk_create(_event(outcome, now) for outcome in finished if outcome.is_tried)
        failed = [outcome.message for outcome in finished if outcome.status == Status.FAILED]
        events.messages_changed(WebhookEvent.MESSAGE_FAILED, failed)
        health.record([outcome for outcome in finished if outcome.message.channel == Channel.WEBHOOK], now)
        started = Message.objects.start_sending(starting, claim, now)
    return Committed({outcome.message.pk for outcome in finished}, started)


def clean_up(outcomes: Sequence[Outcome]) -> None:
    """Remove the files of committed outcomes and log them. The sweep removes files that could not be removed here."""
    done = [outcome.message for outcome in outcomes if outcome.status in CONTENT_IS_DONE]
    try:
        attachments.discard_of([message for message in done if message.has_attachments])
    except Error:
        logger.warning("attachments_not_removed", exc_info=True)
    for outcome in outcomes:
        _log(outcome)


def _move_sent(outcomes: Sequence[Outcome], claim: UUID, now: datetime) -> AbstractSet[UUID]:
    """Save all successful outcomes in one statement; return the keys of the messages that were still claimed.

    `_move` saves all others: it also accepts a message that was sent after its lease ended.
    """
    provider_ids = {
        outcome.message: outcome.provider_id
        for outcome in outcomes
        if outcome.status == Status.SENT and outcome.message.channel != Channel.WEBHOOK
    }
    if not provider_ids:
        return frozenset()
    return Message.objects.finish_sent(provider_ids, claim, sent_at=now, last_error="", payload="")


def _move(outcome: Outcome, claim: UUID, now: datetime) -> bool:
    message = outcome.message
    fields: dict[str, Any] = {"last_error": outcome.error[:500]}
    if outcome.status in CONTENT_IS_DONE and message.channel != Channel.WEBHOOK:  # a webhook may be sent again
        fields["payload"] = ""
    if not outcome.is_tried:
        fields["attempts"] = F("attempts") - 1
    if outcome.status == Status.SENT:
        fields.update(sent_at=now, provider_message_id=outcome.provider_id)
    if outcome.due_at is not None:
        fields["due_at"] = outcome.due_at
    if outcome.is_uncertain:
        fields["is_uncertain"] = True
    if Message.objects.finish(message, claim, outcome.status, **fields):
        return True
    return outcome.status == Status.SENT and Message.objects.mark_sent_late(message, **fields)


def _event(outcome: Outcome, now: datetime) -> MessageEvent:
    details: dict[str, Any] = {"attempt": outcome.message.attempts, **outcome.details}
    if outcome.error:
        details["error"] = outcome.error[:500]
    if outcome.due_at is not None:
        details["next_try_at"] = outcome.due_at.isoformat().replace("+00:00", "Z")
    return MessageEvent(message=outcome.message, type=EVENTS[outcome.status], at=now, details=details)


def _log(outcome: Outcome) -> None:
    message = outcome.message
    if not outcome.is_tried:
        return
    MOVES.add(message.channel, outcome.status)
    facts = {
        "message_id": str(message.pk),
        "channel": message.channel,
        "template": message.template,
        "attempt": message.attempts,
        "request_id": message.request_id,
    }
    if outcome.status == Status.SENT:
        logger.info("message_sent", provider_message_id=outcome.provider_id, **facts)
    else:
        logger.warning("message_not_sent", became=outcome.status, error=outcome.error, **facts)
