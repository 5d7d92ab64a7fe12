"""Writing down what came of messages, and their timelines."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from notifications.models import Message, MessageEvent
from notifications.services import attachments
from notifications.services.delivery import Outcome
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


def write(outcomes: Sequence[Outcome], claim: UUID, handing_over: Sequence[UUID] = ()) -> None:
    """Commit what came of messages that this drain holds, and which it is about to send. `tidy` follows it.

    Doing it again changes nothing.
    """
    now = timezone.now()
    sent = {outcome.message.pk: outcome.provider_id for outcome in outcomes if outcome.status == Status.SENT}
    done = Message.objects.settle(sent=sent, handing_over=handing_over, claim=claim, now=now)
    others = [outcome for outcome in outcomes if outcome.message.pk not in (done or ())]
    if done is not None and not others:
        return
    with transaction.atomic(savepoint=False):
        events = [_event(outcome, now) for outcome in others if _move(outcome, claim, now)]
        MessageEvent.objects.bulk_create(events)
        if done is None:
            Message.objects.hand_over(handing_over, claim, now)


def tidy(outcomes: Sequence[Outcome]) -> None:
    """What is to be done once they are committed: remove files, tell the log."""
    done = [outcome.message for outcome in outcomes if outcome.status in CONTENT_IS_DONE]
    attachments.discard_of([message for message in done if message.has_attachments])
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
        logger.info("message_sent", **facts)
    else:
        logger.warning("message_not_sent", became=outcome.status, error=outcome.error, **facts)
