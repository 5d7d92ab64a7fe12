"""Apply the provider's reports about sent messages, each once."""

from dataclasses import asdict
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from foodfleet.core.exceptions import ServiceUnavailableException
from notifications.exceptions import SnsUnreachableError
from notifications.gateways.sns_http import SnsHttp, sns_http
from notifications.models import Message, MessageEvent, Receipt
from notifications.models.receipts import ReceiptQuerySet
from notifications.services.audience import suppression
from notifications.services.delivery.outcomes import MOVES
from notifications.services.feedback import reports, sns_envelopes
from notifications.services.feedback.reports import Report
from notifications.services.webhooks import events as webhooks
from notifications.states import Channel, EventType, ReceiptState, Status, WebhookEvent

logger = structlog.get_logger(__name__)

# A report may arrive before the commit of the outcome, which never comes if the process died.
WAITED_FOR = timedelta(minutes=15)
BATCH = 200
MOST_BATCHES = 100  # in one run; the next run continues
FAILURES = frozenset({EventType.BOUNCED, EventType.COMPLAINED, EventType.REJECTED})
NEW_STATUS = {
    EventType.DELIVERED: Status.DELIVERED,
    EventType.BOUNCED: Status.BOUNCED,
    EventType.COMPLAINED: Status.COMPLAINED,
    EventType.REJECTED: Status.FAILED,
}

WEBHOOK_EVENTS = {
    Status.DELIVERED: WebhookEvent.MESSAGE_DELIVERED,
    Status.BOUNCED: WebhookEvent.MESSAGE_BOUNCED,
    Status.COMPLAINED: WebhookEvent.MESSAGE_COMPLAINED,
    Status.FAILED: WebhookEvent.MESSAGE_FAILED,
}


def receive(body: Any, *, sender: str = "", http: SnsHttp | None = None, now: datetime | None = None) -> ReceiptState:
    """Record a report that Amazon SNS posted and return its state. sender: the IP address of the client.

    Raises the exceptions of sns_envelopes.open_envelope.
    """
    http = http or sns_http()
    envelope = sns_envelopes.open_envelope(body, sender=sender, http=http, now=now)
    if envelope is None:
        return ReceiptState.IGNORED
    if envelope.type == sns_envelopes.CONFIRMATION:
        return _confirm(envelope, http)
    if envelope.type == sns_envelopes.UNSUBSCRIPTION:
        logger.warning("sns_subscription_ended", topic=envelope.topic)
        return ReceiptState.IGNORED
    try:
        report = reports.of_ses(envelope.message, envelope.sent_at)
    except reports.UnreadableReportError as error:
        logger.warning("report_unreadable", topic=envelope.topic, error=str(error))
        return ReceiptState.IGNORED
    return ReceiptState.IGNORED if report is None else record(report, source_id=envelope.id)


def record(report: Report, *, source_id: str) -> ReceiptState:
    """Store a report and apply it, only once even if it is delivered several times or by several ways."""
    try:
        with transaction.atomic():
            receipt = Receipt.objects.create(
                source_id=source_id,
                fingerprint=report.fingerprint,
                provider_message_id=report.provider_message_id,
                occurred_at=report.occurred_at,
                data=_stored(report),
            )
            _suppress(report)
            return _apply(receipt)
    except IntegrityError:
        logger.info("report_repeated", source_id=source_id)
        return ReceiptState.IGNORED


def apply_waiting(now: datetime | None = None) -> int:
    """Retry the reports whose message was not found, and give up on old ones. Returns how many were applied."""
    waiting = Receipt.objects.waiting()
    old = waiting.received_before((now or timezone.now()) - WAITED_FOR)
    applied = _apply_all(waiting.about(Message.objects.all()), give_up=False)
    old.without_message_id().give_up()
    return applied + _apply_all(old, give_up=True)


def _apply_all(receipts: ReceiptQuerySet, *, give_up: bool) -> int:
    applied = 0
    for _round in range(MOST_BATCHES):
        batch = list(receipts[:BATCH])
        applied += sum(_apply(receipt, give_up=give_up) == ReceiptState.APPLIED for receipt in batch)
        if len(batch) < BATCH:
            break
    return applied


def _confirm(envelope: sns_envelopes.Envelope, http: SnsHttp) -> ReceiptState:
    try:
        http.get(envelope.subscribe_url)
    except SnsUnreachableError as error:
        logger.warning("sns_subscription_not_confirmed", topic=envelope.topic, error=str(error))
        raise ServiceUnavailableException from error
    logger.info("sns_subscription_confirmed", topic=envelope.topic)
    return ReceiptState.APPLIED


def _apply(receipt: Receipt, *, give_up: bool = False) -> ReceiptState:
    with transaction.atomic():
        message = _message_of(receipt, receipt.data["message_id"] if give_up else "")
        if message is None and not give_up:
            return ReceiptState.WAITING
        state = ReceiptState.IGNORED if message is None else ReceiptState.APPLIED
        if Receipt.objects.settle(receipt.pk, state) and message is not None:
            _record_event(message, receipt)
        return state


def _message_of(receipt: Receipt, own_id: str) -> Message | None:
    """Find the message by the provider's ID, or else an uncertain one by our ID, which was sent after all."""
    found: Message | None = Message.objects.find_by_provider_id(receipt.provider_message_id)
    late = Message.objects.filter(pk=UUID(own_id)).first() if found is None and own_id else None
    if late is not None:
        sent = {"provider_message_id": receipt.provider_message_id, "sent_at": receipt.occurred_at, "payload": ""}
        if Message.objects.mark_sent_late(late, **sent):
            found = Message.objects.these([late]).get()
    return found


def _record_event(message: Message, receipt: Receipt) -> None:
    event = EventType(receipt.data["type"])
    reported = receipt.data["details"]
    details = {**reported, "recipients": receipt.data["recipients"]}
    if message.reduced_at is not None:  # personal data that retention removed is not stored again
        reported = details = {}
    is_contradicted = _is_contradicted(message, event, receipt.data["details"].get("kind", ""))
    MessageEvent.objects.create(
        message=message, type=event, at=receipt.occurred_at, details=details, source_id=receipt.source_id
    )
    target = NEW_STATUS.get(event)
    if target is not None and not is_contradicted:
        error = " ".join(reported.values())[:500] if event in FAILURES else ""
        if Message.objects.move(message, target, last_error=error):
            MOVES.add(message.channel, target)
            webhooks.messages_changed(WEBHOOK_EVENTS[target], [message])
    logger.info("report_applied", message_id=str(message.pk), reported=event.value)


def _is_contradicted(message: Message, event: EventType, kind: str) -> bool:
    """Return whether a report contradicts the message's status, in either order of a delivery and a bounce.

    A bounce that is not permanent may be an automatic reply, such as "out of office": the message stays delivered. A
    permanent bounce means that a recipient did not get it.
    """
    if event == EventType.BOUNCED:
        return message.status == Status.DELIVERED and kind != reports.HARD
    bounces = message.events.filter(type=EventType.BOUNCED) if event == EventType.DELIVERED else ()
    return any(bounce.details.get("kind", reports.HARD) == reports.HARD for bounce in bounces)


def _suppress(report: Report) -> None:
    if report.suppress is not None:
        for recipient in report.unreachable or report.recipients:
            detail = " ".join(report.details.values())
            address = parseaddr(recipient)[1] if report.channel == Channel.EMAIL else recipient
            suppression.suppress(
                channel=report.channel, address=address or recipient, reason=report.suppress, detail=detail
            )


def _stored(report: Report) -> dict[str, Any]:
    data = asdict(report)
    return {name: data[name] for name in ("type", "message_id", "recipients", "details")}
