"""Writing down what came of messages, and their timelines."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import Error, transaction
from django.utils import timezone

from notifications.models import Message, MessageEvent
from notifications.services.compose import attachments
from notifications.services.delivery.attempt import Outcome
from notifications.states import EventType, Status

logger = structlog.get_logger(__name__)

EVENTS = {
    Status.SENT: EventType.SENT,
    Status.QUEUED: EventType.POSTPONED,
    Status.FAILED: EventType.FAILED,
    Status.SUPPRESSED: EventType.SUPPRESSED,
    Status.CANCELLED: EventType.CANCELLED,
}
# States after which the content is never needed again: it may hold a code, or a link that opens an account.
CONTENT_IS_DONE = frozenset({Status.SENT, Status.SUPPRESSED, Status.CANCELLED})


def record(message: Message, type: EventType, *, source_id: str = "", **details: Any) -> MessageEvent:  # noqa: A002
    """Add a line to the timeline of `message`. source_id: the id of the report that says so, which counts once."""
    event: MessageEvent = MessageEvent.objects.create(message=message, type=type, source_id=source_id, details=details)
    return event


def record_all(messages: Sequence[Message], type: EventType, **details: Any) -> None:  # noqa: A002
    """Add the same line to the timelines of all of these, in one statement."""
    MessageEvent.objects.bulk_create(MessageEvent(message=message, type=type, details=details) for message in messages)


@dataclass(frozen=True)
class Written:
    """Which messages were in the drain's hands: those whose outcomes were noted, and those that it may send."""

    moved: AbstractSet[UUID]
    handed_over: AbstractSet[UUID]


def write(outcomes: Sequence[Outcome], claim: UUID, handing_over: Sequence[UUID] = ()) -> Written:
    """Commit what came of messages that this drain holds, and which it is about to send. `tidy` follows it.

    Doing it again changes nothing, and names what was done before no more.
    """
    now = timezone.now()
    sent = {outcome.message.pk: outcome.provider_id for outcome in outcomes if outcome.status == Status.SENT}
    settled = Message.objects.settle(sent=sent, handing_over=handing_over, claim=claim, now=now)
    done, handed_over = settled or (set(), set())
    others = [outcome for outcome in outcomes if outcome.message.pk not in done]
    if settled is not None and not others:
        return Written(done, handed_over)
    with transaction.atomic(savepoint=False):
        moved = [outcome for outcome in others if _move(outcome, claim, now)]
        MessageEvent.objects.bulk_create(_event(outcome, now) for outcome in moved)
        if settled is None:
            handed_over = Message.objects.hand_over(handing_over, claim, now)
    return Written(done | {outcome.message.pk for outcome in moved}, handed_over)


def tidy(outcomes: Sequence[Outcome]) -> None:
    """What is to be done once they are committed: remove files, tell the log. The sweep removes what it cannot."""
    done = [outcome.message for outcome in outcomes if outcome.status in CONTENT_IS_DONE]
    try:
        attachments.discard_of([message for message in done if message.has_attachments])
    except Error:
        logger.warning("attachments_left_behind", exc_info=True)
    for outcome in outcomes:
        _log(outcome)


def _move(outcome: Outcome, claim: UUID, now: datetime) -> bool:
    message = outcome.message
    fields: dict[str, Any] = {"last_error": outcome.error[:500]}
    if outcome.status in CONTENT_IS_DONE:
        fields["payload"] = ""
    if outcome.status == Status.SENT:
        fields.update(sent_at=now, provider_message_id=outcome.provider_id)
    if outcome.due_at is not None:
        fields["due_at"] = outcome.due_at
    if outcome.is_uncertain:
        fields["is_uncertain"] = True
    if Message.objects.finish(message.pk, claim, outcome.status, **fields):
        return True
    return outcome.status == Status.SENT and Message.objects.report_late(message.pk, **fields)


def _event(outcome: Outcome, now: datetime) -> MessageEvent:
    details: dict[str, Any] = {"attempt": outcome.message.attempts}
    if outcome.error:
        details["error"] = outcome.error[:500]
    if outcome.due_at is not None:
        details["next_try_at"] = outcome.due_at.isoformat()
    return MessageEvent(message=outcome.message, type=EVENTS[outcome.status], at=now, details=details)


def _log(outcome: Outcome) -> None:
    message = outcome.message
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
