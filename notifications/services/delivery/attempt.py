"""One attempt to send one message, and its outcome.

Nothing here touches the database, except to read attachments that are stored there.
"""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone

from foodfleet.core.crypto import DecryptionError
from foodfleet.core.metrics.counters import Counter
from notifications.exceptions import (
    DeliveryError,
    MisconfiguredDeliveryError,
    PerhapsSentError,
    RecipientOptedOutError,
    TemporaryDeliveryError,
)
from notifications.gateways import files
from notifications.gateways.email import Email, EmailFile, EmailGateway, email_gateway, message_id_header
from notifications.gateways.slots import PermitExpiredError
from notifications.gateways.sms import SmsGateway, sms_gateway
from notifications.gateways.sms_message import Sms
from notifications.gateways.webhooks.posting import Webhook, WebhookGateway, webhook_gateway
from notifications.models import Message
from notifications.services.compose import writing
from notifications.services.untrusted_text import redact, storable
from notifications.services.webhooks import endpoints
from notifications.states import Channel, Guarantee, Status

logger = structlog.get_logger(__name__)

PROVIDER_ERRORS = Counter(
    "foodfleet_provider_errors_total", "Errors of the provider by channel and kind.", "channel", "kind"
)

# RFC 3834: vacation responders do not answer automatic mail.
AUTOMATIC_HEADERS = {"Auto-Submitted": "auto-generated"}
LONGEST_PAUSE = timedelta(hours=6)
LONGEST_ERROR = 2_000  # characters that are searched for secrets; a quarter of them is stored
LOG_AGAIN_AFTER = 600.0  # seconds

# Configuration errors that were logged, and until when (by `monotonic`) they are not logged again.
_logged_until: dict[tuple[str, str], float] = {}


@dataclass(frozen=True)
class Gateways:
    """The gateways that the settings choose."""

    email: EmailGateway = field(default_factory=email_gateway)
    sms: SmsGateway = field(default_factory=sms_gateway)
    webhook: WebhookGateway = field(default_factory=webhook_gateway)


@dataclass(frozen=True)
class Outcome:
    """The result of an attempt.

    due_at: the time of the next attempt, if QUEUED. is_uncertain: the message may have been sent. details: for the
    timeline. is_tried: False if the message only returns to the queue.
    """

    message: Message
    status: Status
    provider_id: str = ""
    error: str = ""
    due_at: datetime | None = None
    is_uncertain: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    is_tried: bool = True


def attempt(message: Message, excluded: frozenset[str], gateways: Gateways) -> Outcome:
    """Try once to send the message. excluded: recipients who get no copy.

    Raises PermitExpiredError if the permit expired before anything was sent. Any unexpected exception is logged and
    becomes FAILED: it must not stop the dispatcher.
    """
    if message.expires_at is not None and timezone.now() >= message.expires_at:
        return Outcome(message, Status.CANCELLED, error="Not sent before it expired.")
    try:
        if message.channel == Channel.WEBHOOK:
            return _post(message, gateways.webhook)
        return Outcome(message, Status.SENT, provider_id=_send(message, excluded, gateways))
    except PermitExpiredError:
        raise
    except DeliveryError as error:
        return _outcome_of(message, error)
    except DecryptionError:  # this process may not know a new key yet
        reason = "None of ENCRYPTION_KEYS decrypts its content."
        return _outcome_of(message, MisconfiguredDeliveryError(reason, code="ENCRYPTION_KEYS"))
    except Exception as error:
        logger.exception("delivery_crashed", message_id=str(message.pk), request_id=message.request_id)
        return Outcome(message, Status.FAILED, error=f"Internal error: {type(error).__name__}.")


def _outcome_of(message: Message, error: DeliveryError) -> Outcome:
    text = redact(storable(error, LONGEST_ERROR))
    PROVIDER_ERRORS.add(message.channel, error.kind)
    if isinstance(error, RecipientOptedOutError):
        return Outcome(message, Status.SUPPRESSED, error=text)
    if isinstance(error, PerhapsSentError):
        return _after_lost_response(message, text)
    if isinstance(error, MisconfiguredDeliveryError):
        _log_misconfiguration(message, error.code, text)
    if isinstance(error, TemporaryDeliveryError):
        return after_temporary(message, text, timezone.now())
    return Outcome(message, Status.FAILED, error=text)


def _log_misconfiguration(message: Message, code: str, text: str) -> None:
    """Log each fault at most once every LOG_AGAIN_AFTER seconds, not for each message that it delays."""
    fault, now = (message.channel, code), time.monotonic()
    if now >= _logged_until.get(fault, 0.0):
        _logged_until[fault] = now + LOG_AGAIN_AFTER
        facts = {"channel": message.channel, "message_id": str(message.pk), "request_id": message.request_id}
        logger.error("delivery_misconfigured", error=text, **facts)


def after_temporary(message: Message, error: str, now: datetime) -> Outcome:
    """Schedule the next attempt after 2, 4, 8 ... seconds, each shortened at random by up to half.

    The message becomes FAILED a day after it was due, and CANCELLED if it expires before the next attempt.
    """
    if now >= message.give_up_at:
        return Outcome(message, Status.FAILED, error=error)
    due_at = min(now + pause_after(message.attempts), message.give_up_at)
    if message.expires_at is not None and due_at >= message.expires_at:
        return Outcome(message, Status.CANCELLED, error=f"Not sent before it expired. {error}")
    return Outcome(message, Status.QUEUED, error=error, due_at=due_at)


def pause_after(attempts: int) -> timedelta:
    """Return the pause before the next attempt. attempts: how many were made."""
    pause = min(LONGEST_PAUSE, timedelta(seconds=2 ** min(attempts, 20)))
    return pause * random.uniform(0.5, 1)  # noqa: S311  not a secret


def _after_lost_response(message: Message, error: str) -> Outcome:
    """Retry unless the guarantee of the message is AT_MOST_ONCE."""
    if message.guarantee == Guarantee.AT_MOST_ONCE:
        return Outcome(message, Status.FAILED, error=f"{error} It may have been sent.", is_uncertain=True)
    return replace(after_temporary(message, error, timezone.now()), is_uncertain=True)


def _send(message: Message, excluded: frozenset[str], gateways: Gateways) -> str:
    content = writing.decrypt_content(message.payload)
    if message.channel == Channel.SMS:
        return gateways.sms.send(Sms(to=message.to[0], **content))
    return gateways.email.send(_email(message, content, excluded))


def _post(message: Message, gateway: WebhookGateway) -> Outcome:
    """Post a webhook. Any 2xx status is a success, and all others are retried, except 410 Gone."""
    endpoint = message.webhook.endpoint
    assert endpoint is not None  # `health.apply` cancels deliveries to deleted endpoints
    result = gateway.post(
        Webhook(
            id=str(message.pk),
            url=endpoint.url,
            body=writing.decrypt_content(message.payload)["body"],
            secrets=endpoints.secrets_of(endpoint, timezone.now()),
        )
    )
    details = {"status_code": result.status, "duration_ms": result.milliseconds}
    if result.status is not None and HTTPStatus.OK <= result.status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(message, Status.SENT, details=details)
    error = result.error or _refusal(result.status)
    PROVIDER_ERRORS.add(message.channel, "permanent" if result.status == HTTPStatus.GONE else "temporary")
    if result.status == HTTPStatus.GONE:
        return Outcome(message, Status.FAILED, error=error, details=details)
    return replace(after_temporary(message, error, timezone.now()), details=details)


def _refusal(status: int | None) -> str:
    is_redirect = status is not None and HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
    return f"The receiver answered {status}{'; redirects are not followed' if is_redirect else ''}."


def _email(message: Message, content: dict[str, Any], excluded: frozenset[str]) -> Email:
    from_email = content["from_email"] or settings.DEFAULT_FROM_EMAIL
    return Email(
        to=_included(message.to, excluded),
        cc=_included(message.cc, excluded),
        bcc=_included(message.bcc, excluded),
        subject=content["subject"],
        text=content["text"],
        html=content["html"],
        reply_to=tuple(content["reply_to"]),
        from_email=from_email,
        headers={**content["headers"], **AUTOMATIC_HEADERS, "Message-ID": message_id_header(message.pk, from_email)},
        files=tuple(_read(file) for file in content["files"]),
        tags={**content["tags"], "message_id": str(message.pk)},
        configuration_set=content["configuration_set"],
    )


def _included(recipients: list[str], excluded: frozenset[str]) -> tuple[str, ...]:
    return tuple(recipient for recipient in recipients if recipient not in excluded)


def _read(file: dict[str, str]) -> EmailFile:
    """Read an attachment. Every failure is temporary: a folder that is not mounted looks empty."""
    try:
        return EmailFile(file["filename"], file["content_type"], files.read(file["name"]))
    except FileNotFoundError as error:
        raise TemporaryDeliveryError("An attachment is not in the storage; see ATTACHMENTS_URL.") from error
    except OSError as error:
        raise TemporaryDeliveryError(f"The storage of attachments cannot be read ({type(error).__name__}).") from error
