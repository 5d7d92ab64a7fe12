"""Parse Amazon's reports about messages, without the secrets in them."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from notifications.services.untrusted_text import redact, storable
from notifications.states import Channel, EventType, SuppressionReason

HARD = "Permanent"  # the others are Transient (such as a full mailbox) and Undetermined
PERMANENT_STATUS = re.compile(r"5\.[0-9]{1,3}\.[0-9]{1,3}")  # RFC 3463: permanent, independent of the bounce's type
# Reasons that concern the e-mail, not its recipient.
ABOUT_THE_MAIL = frozenset({"MessageTooLarge", "ContentRejected", "AttachmentRejected"})
NO_COMPLAINT = "not-spam"  # RFC 6430: the recipient marked the message as not spam
EARLIEST = datetime(2011, 1, 1, tzinfo=UTC)  # the start of SES; not every database can store much earlier times
MAX_TEXT = 300


@dataclass(frozen=True)
class Report:
    """One event of one message.

    message_id: our own, if the provider returns it. reported_at: the time as the provider wrote it. unreachable: the
    recipients that `suppress` applies to, empty for all.
    """

    type: EventType
    provider_message_id: str
    message_id: str
    occurred_at: datetime
    reported_at: str
    recipients: tuple[str, ...] = ()
    suppress: SuppressionReason | None = None
    unreachable: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    channel: Channel = Channel.EMAIL

    @property
    def fingerprint(self) -> str:
        """A digest that is the same for the same report, by whichever way it is delivered."""
        parts = [self.provider_message_id, self.type, self.reported_at, sorted(self.recipients)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class UnreadableReportError(Exception):
    """The report has an unknown format."""


def of_ses(text: str, published_at: datetime | None = None) -> Report | None:
    """Read an event or notification of SES; None for types that are not used.

    published_at: the time of reports that contain no time of their own. Raises UnreadableReportError.
    """
    try:
        data = json.loads(text)
        kind = str(data.get("eventType") or data.get("notificationType"))
        reader = _READERS.get(kind)
        if reader is None:
            return None
        report = reader(data, data["mail"])
        if report is not None and published_at is not None and kind in _WITHOUT_TIME:
            report = replace(report, occurred_at=published_at)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableReportError(type(error).__name__) from error
    if report is not None and not report.provider_message_id:
        raise UnreadableReportError("no id")
    return report


def of_sns_log(text: str) -> Report:
    """Read a line of the SNS delivery log for SMS. Raises UnreadableReportError."""
    try:
        data = json.loads(text)
        delivery, notification = data["delivery"], data["notification"]
        answer = _redacted(delivery.get("providerResponse") or "")
        reported_at = str(notification["timestamp"])
        arrived = data["status"] == "SUCCESS"
        details = {"answer": answer, "price_in_usd": _redacted(delivery.get("priceInUSD") or "")}
        return Report(
            type=EventType.DELIVERED if arrived else EventType.BOUNCED,
            provider_message_id=storable(notification["messageId"], 200),
            message_id="",
            occurred_at=_parse_time(reported_at.replace(" ", "T") + "Z"),
            reported_at=storable(reported_at, MAX_TEXT),
            recipients=(storable(delivery["destination"], 20),),
            suppress=SuppressionReason.OPT_OUT if not arrived and "opted out" in answer.lower() else None,
            details={name: value for name, value in details.items() if value},
            channel=Channel.SMS,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableReportError(type(error).__name__) from error


def _bounce(data: Mapping[str, Any], mail: Mapping[str, Any]) -> Report:
    part = data["bounce"]
    unreachable = _unreachable(part)
    # Permanent by its status, even if Amazon gives another type.
    details = {"kind": HARD if unreachable else part.get("bounceType"), "reason": part.get("bounceSubType")}
    first: Mapping[str, Any] = next(iter(part.get("bouncedRecipients", ())), {})
    details["diagnostic"] = first.get("diagnosticCode") or first.get("status")
    report = _report(
        EventType.BOUNCED,
        mail,
        part,
        recipients=_addresses(part["bouncedRecipients"]),
        suppress=SuppressionReason.BOUNCE if unreachable else None,
        details=details,
    )
    return replace(report, unreachable=unreachable)


def _unreachable(bounce: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the recipients for whom a bounce is permanent, by its type or by the status of each."""
    bounced = bounce["bouncedRecipients"]
    if bounce.get("bounceType") != HARD:
        is_about_mail = bounce.get("bounceSubType") in ABOUT_THE_MAIL
        bounced = [one for one in bounced if not is_about_mail and PERMANENT_STATUS.fullmatch(str(one.get("status")))]
    return _addresses(bounced)


def _complaint(data: Mapping[str, Any], mail: Mapping[str, Any]) -> Report | None:
    part = data["complaint"]
    if part.get("complaintFeedbackType") == NO_COMPLAINT:
        return None
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
        recipients=tuple(storable(recipient, 320) for recipient in part.get("recipients", ())),
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


_READERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Report | None]] = {
    "Bounce": _bounce,
    "Complaint": _complaint,
    "Delivery": _delivery,
    "Reject": _reject,
    "Rendering Failure": _failure,
    "DeliveryDelay": _delay,
}
_WITHOUT_TIME = frozenset({"Reject", "Rendering Failure"})


def _report(
    type: EventType,  # noqa: A002
    mail: Mapping[str, Any],
    part: Mapping[str, Any],
    *,
    details: Mapping[str, Any],
    recipients: tuple[str, ...] = (),
    suppress: SuppressionReason | None = None,
) -> Report:
    reported_at = str(part.get("timestamp") or mail.get("timestamp"))
    return Report(
        type=type,
        provider_message_id=storable(mail["messageId"], 200),
        message_id=_own_id(mail),
        occurred_at=_parse_time(reported_at),
        reported_at=storable(reported_at, MAX_TEXT),
        recipients=recipients,
        suppress=suppress,
        details={name: _redacted(value) for name, value in details.items() if value},
    )


def _addresses(recipients: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(storable(recipient["emailAddress"], 320) for recipient in recipients)


def _redacted(value: object) -> str:
    return redact(storable(value, MAX_TEXT * 4))[:MAX_TEXT]


def _own_id(mail: Mapping[str, Any]) -> str:
    """Return our message's ID from its tag; '' if there is none."""
    values = (mail.get("tags") or {}).get("message_id") or [""]
    try:
        return str(UUID(str(values[0])))
    except ValueError:
        return ""


def _parse_time(text: str) -> datetime:
    """Parse a time; the current time where it is invalid or impossible."""
    now = timezone.now()
    try:
        parsed = parse_datetime(text)
        in_utc = parsed.astimezone(UTC) if parsed is not None and parsed.tzinfo is not None else now
    except (ValueError, OverflowError):
        return now
    return in_utc if EARLIEST <= in_utc <= now else now
