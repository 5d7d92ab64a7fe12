"""What becomes of a message after it was sent: reports of the provider, each applied once."""

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
from notifications.services import reports, sns_envelopes, suppression
from notifications.services.reports import Report
from notifications.states import Channel, EventType, ReceiptState, Status

logger = structlog.get_logger(__name__)

# A report may come before our own commit of the send; and a sender that died never commits.
WAITED_FOR = timedelta(minutes=15)
BATCH = 200
BECOMES = {
    EventType.DELIVERED: Status.DELIVERED,
    EventType.BOUNCED: Status.BOUNCED,
    EventType.COMPLAINED: Status.COMPLAINED,
    EventType.REJECTED: Status.FAILED,
}


def receive(body: Any, *, http: SnsHttp | None = None, now: datetime | None = None) -> ReceiptState:
    """Take in what Amazon SNS posted about mails; says what became of it.

    Raises what sns_envelopes.open_envelope raises; nothing of a report that raises is kept.
    """
    http = http or sns_http()
    envelope = sns_envelopes.open_envelope(body, http=http, now=now)
    if envelope is None:
        return ReceiptState.IGNORED
    if envelope.type == sns_envelopes.CONFIRMATION:
        return _confirm(envelope, http)
    if envelope.type == sns_envelopes.GOODBYE:
        logger.warning("sns_subscription_ended", topic=envelope.topic)
        return ReceiptState.IGNORED
    try:
        report = reports.of_ses(envelope.message)
    except reports.UnreadableReportError as error:
        logger.warning("report_unreadable", topic=envelope.topic, error=str(error))
        return ReceiptState.IGNORED
    return ReceiptState.IGNORED if report is None else take_in(report, source_id=envelope.id)


def take_in(report: Report, *, source_id: str) -> ReceiptState:
    """Keep a report and apply it, once whatever ways and times it comes."""
    try:
        with transaction.atomic():
            receipt = Receipt.objects.create(
                source_id=source_id,
                fingerprint=report.fingerprint,
                provider_message_id=report.provider_message_id,
                occurred_at=report.occurred_at,
                data=_kept(report),
            )
            _suppress(report)
            return _apply(receipt)
    except IntegrityError:
        logger.info("report_repeated", source_id=source_id)
        return ReceiptState.IGNORED


def apply_waiting(now: datetime | None = None) -> int:
    """Try again those whose message was not found; give up on old ones. Returns how many were applied."""
    waiting = Receipt.objects.waiting()
    states = [_apply(receipt) for receipt in waiting.about(Message.objects.all())[:BATCH]]
    for receipt in waiting.received_before((now or timezone.now()) - WAITED_FOR)[:BATCH]:
        states.append(_apply(receipt, give_up=True))
    return states.count(ReceiptState.APPLIED)


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
            _tell(message, receipt)
        return state


def _message_of(receipt: Receipt, own_id: str) -> Message | None:
    """By the provider's id; at the end by our own, which tells that a message of unknown outcome was sent after all."""
    found: Message | None = Message.objects.with_provider_id(receipt.provider_message_id).first()
    if found is None and own_id:
        late = {"provider_message_id": receipt.provider_message_id, "sent_at": receipt.occurred_at, "payload": ""}
        if Message.objects.report_late(UUID(own_id), **late):
            found = Message.objects.get(pk=own_id)
    return found


def _tell(message: Message, receipt: Receipt) -> None:
    event = EventType(receipt.data["type"])
    details = {**receipt.data["details"], "recipients": receipt.data["recipients"]}
    MessageEvent.objects.create(
        message=message, type=event, at=receipt.occurred_at, details=details, source_id=receipt.source_id
    )
    target = BECOMES.get(event)
    # What arrived did arrive: an answer such as "out of office" comes as a bounce that is not permanent.
    is_answer = (
        message.status == Status.DELIVERED and event == EventType.BOUNCED and details.get("kind") != reports.HARD
    )
    if target is not None and not is_answer:
        reason = " ".join(receipt.data["details"].values())[:500]
        Message.objects.move(message.pk, target, **({"last_error": reason} if target != Status.DELIVERED else {}))
    logger.info("report_applied", message_id=str(message.pk), reported=event.value)


def _suppress(report: Report) -> None:
    if report.suppress is not None:
        for recipient in report.recipients:
            detail = " ".join(report.details.values())
            address = parseaddr(recipient)[1] if report.channel == Channel.EMAIL else recipient
            suppression.suppress(
                channel=report.channel, address=address or recipient, reason=report.suppress, detail=detail
            )


def _kept(report: Report) -> dict[str, Any]:
    kept = asdict(report)
    return {name: kept[name] for name in ("type", "message_id", "recipients", "details")}
