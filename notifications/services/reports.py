"""What Amazon reports about a message, in one form of ours."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from notifications.states import Channel, EventType, SuppressionReason

HARD = "Permanent"  # the others are Transient (a full mailbox, say) and Undetermined
MAX_TEXT = 300


@dataclass(frozen=True)
class Report:
    """One thing that happened to one message. message_id: our own, where the provider tells it back."""

    type: EventType
    provider_message_id: str
    message_id: str
    occurred_at: datetime
    recipients: tuple[str, ...] = ()
    suppress: SuppressionReason | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    channel: Channel = Channel.EMAIL

    @property
    def fingerprint(self) -> str:
        """The same for the same report, by whatever way it comes."""
        parts = [self.provider_message_id, self.type, self.occurred_at.isoformat(), sorted(self.recipients)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class UnreadableReportError(Exception):
    """Not a report that we know how to read."""


def of_ses(text: str) -> Report | None:
    """The report in the JSON that SES publishes, as event or as notification; None for what we do not act on.

    Raises UnreadableReportError.
    """
    try:
        data = json.loads(text)
        kind = str(data.get("eventType") or data.get("notificationType"))
        reader = _READERS.get(kind)
        if reader is None:
            return None
        report = reader(data, data["mail"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableReportError(type(error).__name__) from error
    if not report.provider_message_id or "\x00" in text or "\\u0000" in text:
        raise UnreadableReportError("no id")
    return report


def of_sns_log(text: str) -> Report:
    """The report in a line of the log that SNS keeps of texts.

    Raises UnreadableReportError.
    """
    try:
        data = json.loads(text)
        delivery, note = data["delivery"], data["notification"]
        answer = str(delivery.get("providerResponse") or "")[:MAX_TEXT]
        arrived = data["status"] == "SUCCESS"
        details = {"answer": answer, "price_in_usd": str(delivery.get("priceInUSD") or "")}
        return Report(
            type=EventType.DELIVERED if arrived else EventType.BOUNCED,
            provider_message_id=str(note["messageId"])[:200],
            message_id="",
            occurred_at=parse_datetime(str(note["timestamp"]).replace(" ", "T") + "Z") or timezone.now(),
            recipients=(str(delivery["destination"])[:20],),
            suppress=SuppressionReason.OPT_OUT if not arrived and "opted out" in answer.lower() else None,
            details={name: value for name, value in details.items() if value},
            channel=Channel.SMS,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableReportError(type(error).__name__) from error


def _bounce(data: Mapping[str, Any], mail: Mapping[str, Any]) -> Report:
    part = data["bounce"]
    hard = part.get("bounceType") == HARD
    details = {"kind": part.get("bounceType"), "reason": part.get("bounceSubType")}
    first: Mapping[str, Any] = next(iter(part.get("bouncedRecipients", ())), {})
    details["diagnostic"] = first.get("diagnosticCode") or first.get("status")
    return _report(
        EventType.BOUNCED,
        mail,
        part,
        recipients=_addresses(part["bouncedRecipients"]),
        suppress=SuppressionReason.BOUNCE if hard else None,
        details=details,
    )


def _complaint(data: Mapping[str, Any], mail: Mapping[str, Any]) -> Report:
    part = data["complaint"]
    details = {"kind": part.get("complaintFeedbackType"), "reason": part.get("complaintSubType")}
    return _report(
        EventType.COMPLAINED,
        mail,
        part,
        recipients=_addresses(part["complainedRecipients"]),
        suppress=SuppressionReason.COMPLAINT,
        details=details,
    )


def _delivery(data: Mapping[str, Any], mail: Mapping[str, Any]) -> Report:
    part = data["delivery"]
    return _report(
        EventType.DELIVERED,
        mail,
        part,
        recipients=tuple(map(str, part.get("recipients", ()))),
        details={"answer": part.get("smtpResponse")},
    )


def _reject(data: Mapping[str, Any], mail: Mapping[str, Any]) -> Report:
    return _report(EventType.REJECTED, mail, {}, details={"reason": data["reject"].get("reason")})


def _failure(data: Mapping[str, Any], mail: Mapping[str, Any]) -> Report:
    return _report(EventType.REJECTED, mail, {}, details={"reason": data["failure"].get("errorMessage")})


def _delay(data: Mapping[str, Any], mail: Mapping[str, Any]) -> Report:
    part = data["deliveryDelay"]
    details = {"reason": part.get("delayType"), "until": part.get("expirationTime")}
    return _report(EventType.DELAYED, mail, part, recipients=_addresses(part["delayedRecipients"]), details=details)


_READERS = {
    "Bounce": _bounce,
    "Complaint": _complaint,
    "Delivery": _delivery,
    "Reject": _reject,
    "Rendering Failure": _failure,
    "DeliveryDelay": _delay,
}


def _report(
    type: EventType,  # noqa: A002
    mail: Mapping[str, Any],
    part: Mapping[str, Any],
    *,
    details: Mapping[str, Any],
    recipients: tuple[str, ...] = (),
    suppress: SuppressionReason | None = None,
) -> Report:
    return Report(
        type=type,
        provider_message_id=str(mail["messageId"])[:200],
        message_id=_own_id(mail),
        occurred_at=_moment(part.get("timestamp") or mail.get("timestamp")),
        recipients=recipients,
        suppress=suppress,
        details={name: str(value)[:MAX_TEXT] for name, value in details.items() if value},
    )


def _addresses(recipients: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(str(recipient["emailAddress"])[:320] for recipient in recipients)


def _own_id(mail: Mapping[str, Any]) -> str:
    """Our message's id from the tag that we send along."""
    values = (mail.get("tags") or {}).get("message_id") or [""]
    try:
        return str(UUID(str(values[0])))
    except ValueError:
        return ""


def _moment(text: Any) -> datetime:
    moment = parse_datetime(str(text))
    return moment if moment is not None and moment.tzinfo is not None else timezone.now()
