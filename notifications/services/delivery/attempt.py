"""One try to send one message: what is asked of the network, and what came of it.

Nothing here touches the database, but for the files of a mail where they are kept there.
"""

import random
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone

from foodfleet.core.crypto import DecryptionError
from notifications.exceptions import (
    DeliveryError,
    MisconfiguredDeliveryError,
    PerhapsSentError,
    RecipientOptedOutError,
    TemporaryDeliveryError,
)
from notifications.gateways import files
from notifications.gateways.email import Email, EmailFile, EmailGateway, email_gateway, message_id_header
from notifications.gateways.sms import SmsGateway, sms_gateway
from notifications.gateways.texts import Sms
from notifications.gateways.turns import LeaveExpiredError
from notifications.models import Message
from notifications.services.compose import writing
from notifications.services.feedback.reports import redact, storable
from notifications.states import Channel, Guarantee, Status

logger = structlog.get_logger(__name__)

# RFC 3834: no vacation responder answers, and none of ours would start a loop with it.
AUTOMATIC = {"Auto-Submitted": "auto-generated"}
LONGEST_PAUSE = timedelta(hours=6)
LONGEST_ERROR = 2_000  # characters that are looked through; what is kept is a quarter of that
TELL_AGAIN_AFTER = 600.0  # seconds

# Which faults of our configuration were logged, and until when (by `monotonic`) they are not logged again.
_told_until: dict[tuple[str, str], float] = {}


@dataclass(frozen=True)
class Gateways:
    """The ways out, as the settings choose them."""

    email: EmailGateway = field(default_factory=email_gateway)
    sms: SmsGateway = field(default_factory=sms_gateway)


@dataclass(frozen=True)
class Outcome:
    """What came of a message. due_at: of the next try, where it is QUEUED. is_uncertain: perhaps it was sent."""

    message: Message
    status: Status
    provider_id: str = ""
    error: str = ""
    due_at: datetime | None = None
    is_uncertain: bool = False


def attempt(message: Message, excluded: frozenset[str], gateways: Gateways) -> Outcome:
    """Ask the network once. excluded: recipients of the message that are left out.

    Raises LeaveExpiredError where nothing was sent because it was too late for that, and nothing else: a bug must not
    take the other messages of a drain with it. It ends in FAILED and a traceback.
    """
    if message.expires_at is not None and timezone.now() >= message.expires_at:
        return Outcome(message, Status.CANCELLED, error="Not sent within its life.")
    try:
        return Outcome(message, Status.SENT, provider_id=_send(message, excluded, gateways))
    except LeaveExpiredError:
        raise
    except DeliveryError as error:
        return _after(message, error)
    except DecryptionError:
        return Outcome(message, Status.FAILED, error="None of ENCRYPTION_KEYS opens its content.")
    except Exception as error:
        logger.exception("delivery_crashed", message_id=str(message.pk), request_id=message.request_id)
        return Outcome(message, Status.FAILED, error=f"Our own error: {type(error).__name__}.")


def _after(message: Message, error: DeliveryError) -> Outcome:
    text = redact(storable(error, LONGEST_ERROR))
    if isinstance(error, RecipientOptedOutError):
        return Outcome(message, Status.SUPPRESSED, error=text)
    if isinstance(error, PerhapsSentError):
        return _after_doubt(message, text)
    if isinstance(error, MisconfiguredDeliveryError):
        _tell_operator(message, error.code, text)
    if isinstance(error, TemporaryDeliveryError):
        return after_temporary(message, text, timezone.now())
    return Outcome(message, Status.FAILED, error=text)


def _tell_operator(message: Message, code: str, text: str) -> None:
    """One line for each fault, not one for each of the messages that it holds up."""
    fault, now = (message.channel, code), time.monotonic()
    if now >= _told_until.get(fault, 0.0):
        _told_until[fault] = now + TELL_AGAIN_AFTER
        about = {"channel": message.channel, "message_id": str(message.pk), "request_id": message.request_id}
        logger.error("delivery_misconfigured", error=text, **about)


def after_temporary(message: Message, error: str, now: datetime) -> Outcome:
    """When to try again: 2, 4, 8 ... seconds, each shortened at random by up to half so that a crowd spreads out.

    Ends in FAILED a day after the message was due, and in CANCELLED where the next try would come after its life.
    """
    if now >= message.give_up_at:
        return Outcome(message, Status.FAILED, error=error)
    due_at = min(now + pause_after(message.attempts), message.give_up_at)
    if message.expires_at is not None and due_at >= message.expires_at:
        return Outcome(message, Status.CANCELLED, error=f"Not sent within its life. {error}")
    return Outcome(message, Status.QUEUED, error=error, due_at=due_at)


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many tries."""
    pause = min(LONGEST_PAUSE, timedelta(seconds=2 ** min(attempts, 20)))
    return pause * random.uniform(0.5, 1)  # noqa: S311  not a secret


def _after_doubt(message: Message, error: str) -> Outcome:
    """The answer was lost: its template chose whether that is a reason to send it again."""
    if message.guarantee == Guarantee.AT_MOST_ONCE:
        return Outcome(message, Status.FAILED, error=f"{error} It may have been sent.", is_uncertain=True)
    return replace(after_temporary(message, error, timezone.now()), is_uncertain=True)


def _send(message: Message, excluded: frozenset[str], gateways: Gateways) -> str:
    content = writing.decrypt_content(message.payload)
    if message.channel == Channel.SMS:
        return gateways.sms.send(Sms(to=message.to[0], **content))
    return gateways.email.send(_email(message, content, excluded))


def _email(message: Message, content: dict[str, Any], excluded: frozenset[str]) -> Email:
    from_email = content["from_email"] or settings.DEFAULT_FROM_EMAIL
    return Email(
        to=_wanted(message.to, excluded),
        cc=_wanted(message.cc, excluded),
        bcc=_wanted(message.bcc, excluded),
        subject=content["subject"],
        text=content["text"],
        html=content["html"],
        reply_to=tuple(content["reply_to"]),
        from_email=from_email,
        headers={**content["headers"], **AUTOMATIC, "Message-ID": message_id_header(message.pk, from_email)},
        files=tuple(_read(file) for file in content["files"]),
        tags={**content["tags"], "message_id": str(message.pk)},
        configuration_set=content["configuration_set"],
    )


def _wanted(recipients: list[str], excluded: frozenset[str]) -> tuple[str, ...]:
    return tuple(recipient for recipient in recipients if recipient not in excluded)


def _read(file: dict[str, str]) -> EmailFile:
    """Whatever keeps a file from being read is tried again: a folder that is not mounted looks as if it were empty."""
    try:
        return EmailFile(file["filename"], file["content_type"], files.read(file["name"]))
    except FileNotFoundError as error:
        raise TemporaryDeliveryError("An attachment is not in the storage; see ATTACHMENTS_URL.") from error
    except OSError as error:
        raise TemporaryDeliveryError(f"The storage of attachments cannot be read ({type(error).__name__}).") from error
