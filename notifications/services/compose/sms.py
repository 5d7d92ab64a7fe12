"""Queue SMS, within limits on their number."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import phonenumbers
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from foodfleet.core import crypto
from foodfleet.core.cache import rate_limits
from foodfleet.core.exceptions import ValidationException
from notifications.exceptions import SmsLimitException
from notifications.models import Message
from notifications.services.compose import recipients
from notifications.services.compose.writing import MessageDraft, digest_of, write
from notifications.services.templates import rendering, specs
from notifications.states import Channel, Kind

logger = structlog.get_logger(__name__)
LIMIT_OF_ALL = "sms"  # the key of the limit for all SMS together

LONGEST = 1600  # characters; the maximum of Amazon SNS
SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]{1,11}")


class SmsType(TextChoices):
    """What Amazon SNS optimizes for: delivery or price."""

    TRANSACTIONAL = "Transactional"
    PROMOTIONAL = "Promotional"


@dataclass(frozen=True)
class SmsExtras:
    """Options of an SMS. An empty value means the default of the settings or of the message's kind.

    max_price: in US dollars.
    """

    sender_id: str = ""
    type: SmsType | None = None
    max_price: Decimal | None = None


NO_EXTRAS = SmsExtras()
NO_DRAFT = MessageDraft()


def send_sms(*, to: str, text: str, extras: SmsExtras = NO_EXTRAS, draft: MessageDraft = NO_DRAFT) -> Message:
    """Queue an SMS to a number in E.164 format. It is sent after the transaction commits.

    Raises ValidationException (invalid number, empty or too long text), SmsLimitException or
    IdempotencyConflictException.
    """
    return _queue(Message(to=[to]), text, (text,), extras, draft)


def send_templated_sms(
    *,
    to: str,
    template: str,
    variables: Mapping[str, Any],
    extras: SmsExtras = NO_EXTRAS,
    draft: MessageDraft = NO_DRAFT,
) -> Message:
    """Queue an SMS from a template that staff may send.

    Raises as send_sms does, and TemplateNotSendableException, SmsTemplateNotFoundException or
    MissingVariablesException.
    """
    specs.check_sendable(Channel.SMS, template)
    return queue_templated_sms(to=to, template=template, variables=variables, extras=extras, draft=draft)


def queue_templated_sms(
    *,
    to: str,
    template: str,
    variables: Mapping[str, Any],
    extras: SmsExtras = NO_EXTRAS,
    draft: MessageDraft = NO_DRAFT,
) -> Message:
    """Queue an SMS from any template. Only for outbox.py, whose values come from the product, not from staff.

    Raises as send_sms does, and SmsTemplateNotFoundException or MissingVariablesException.
    """
    language = draft.language or (draft.user.language if draft.user else "")
    content = rendering.render_sms(template, dict(variables), language)
    message = Message(to=[to], template=template, template_version=content.version, language=language)
    return _queue(message, content.text, (template, dict(variables)), extras, draft)


def _queue(message: Message, text: str, requested: tuple[Any, ...], extras: SmsExtras, draft: MessageDraft) -> Message:
    """Write the message row. requested: the caller's input, compared when an idempotency key is used again."""
    message.channel = Channel.SMS
    message.to = [recipients.phone(message.to[0])]
    content = _content(text, extras, draft)
    message.body_digest = draft.body_digest or digest_of(draft, "sms", message.to, requested, {**content, "text": ""})
    with transaction.atomic():
        written = write(message, content, draft)
        if written is message:  # otherwise it repeats an earlier request, which is counted
            check_limits(message.to[0])
    return written


def _content(text: str, extras: SmsExtras, draft: MessageDraft) -> dict[str, str]:
    if not text.strip():
        raise ValidationException.for_field("text", _("The text is empty."), "required")
    if len(text) > LONGEST:
        too_long = _("An SMS has at most %(most)s characters.") % {"most": LONGEST}
        raise ValidationException.for_field("text", too_long, "max_length")
    sender_id = extras.sender_id or settings.SMS_SENDER_ID
    if sender_id and not SENDER_ID.fullmatch(sender_id):
        wrong = _("A sender ID has 1 to 11 letters and digits, with at least one letter.")
        raise ValidationException.for_field("sender_id", wrong, "invalid")
    is_promotion = draft.policy.kind == Kind.MARKETING
    max_price = extras.max_price or settings.SMS_MAX_PRICE
    return {
        "text": text,
        "sender_id": sender_id,
        "type": (extras.type or (SmsType.PROMOTIONAL if is_promotion else SmsType.TRANSACTIONAL)).value,
        "max_price": f"{max_price:.2f}" if max_price else "",
    }


def check_limits(number: str) -> None:
    """Count an SMS to `number` and raise SmsLimitException if a limit of SMS_LIMITS is reached.

    This limits the cost of SMS pumping: fraud that makes a product send SMS to premium numbers of the fraudster. The
    limits are sliding windows. A refused SMS counts for none of them. The order of the limits is fixed, so that
    concurrent transactions lock the counters in the same order and cannot deadlock.
    """
    country, digest = country_prefix(number), crypto.keyed_digest(number, purpose="sms-limits")
    with transaction.atomic():
        for name, key in (("all", LIMIT_OF_ALL), ("country", f"sms:{country}"), ("number", f"sms:{digest}")):
            limit = settings.SMS_LIMITS[name]
            if limit is None:
                continue
            count, seconds = limit
            counted = rate_limits.sliding_window(key, limit=count, seconds=seconds)
            if not counted.allowed:
                logger.error("sms_limit_reached", limit=name, per_seconds=seconds, most=count, country=country)
                raise SmsLimitException(counted.retry_after)


def country_prefix(number: str) -> str:
    """Return `+49` for `+4915112345678`; the first three digits if no country has the number."""
    try:
        return f"+{phonenumbers.parse(number).country_code}"
    except phonenumbers.NumberParseException:
        return number[:4]
