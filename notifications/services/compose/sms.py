"""Ordering texts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import ValidationException
from notifications.models import Message
from notifications.services.compose import recipients, sms_spending
from notifications.services.compose.writing import Order, digest_of, repeated, write
from notifications.services.templates import rendering, specs
from notifications.states import Channel, Kind

LONGEST = 1600  # characters: SNS takes no more
SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]{1,11}")


class SmsType(TextChoices):
    """What Amazon optimizes for: arrival or price."""

    TRANSACTIONAL = "Transactional"
    PROMOTIONAL = "Promotional"


@dataclass(frozen=True)
class SmsExtras:
    """What a text may have beside number and words; '' and None: as the settings and the message's kind say.

    max_price: in US dollars.
    """

    sender_id: str = ""
    type: SmsType | None = None
    max_price: Decimal | None = None


NO_EXTRAS = SmsExtras()
NO_ORDER = Order()


def send_sms(*, to: str, text: str, extras: SmsExtras = NO_EXTRAS, order: Order = NO_ORDER) -> Message:
    """Queue a text to a number in E.164 form; it is sent once the transaction commits.

    Raises ValidationException (wrong number, empty or too long a text), SmsLimitException (the spending guard),
    IdempotencyConflictException.
    """
    return _queue(Message(to=[to]), text, (text,), extras, order)


def send_templated_sms(
    *, to: str, template: str, variables: Mapping[str, Any], extras: SmsExtras = NO_EXTRAS, order: Order = NO_ORDER
) -> Message:
    """Queue a text from a template that may be sent by hand.

    Raises as send_sms does, and TemplateNotSendableException, SmsTemplateNotFoundException or
    MissingVariablesException.
    """
    specs.check_sendable(Channel.SMS, template)
    return queue_templated_sms(to=to, template=template, variables=variables, extras=extras, order=order)


def queue_templated_sms(
    *, to: str, template: str, variables: Mapping[str, Any], extras: SmsExtras = NO_EXTRAS, order: Order = NO_ORDER
) -> Message:
    """Queue a text from any template, rendered now: for outbox.py, whose values the product made.

    Raises as send_sms does, and SmsTemplateNotFoundException or MissingVariablesException.
    """
    language = order.language or (order.user.language if order.user else "")
    content = rendering.render_sms(template, dict(variables), language)
    message = Message(to=[to], template=template, template_version=content.version, language=language)
    return _queue(message, content.text, (template, dict(variables)), extras, order)


def _queue(message: Message, text: str, asked: tuple[Any, ...], extras: SmsExtras, order: Order) -> Message:
    """asked: what the caller gave; the same again under one idempotency key is the same text."""
    message.channel = Channel.SMS
    message.to = [recipients.phone(message.to[0])]
    content = _content(text, extras, order)
    message.body_digest = order.body_digest or digest_of(order, "sms", message.to, asked, {**content, "text": ""})
    if (earlier := repeated(order, message.body_digest)) is not None:
        return earlier
    with transaction.atomic():
        written = write(message, content, order)
        if written is message:  # else somebody with the same key was faster, and nothing is spent a second time
            sms_spending.guard(message.to[0])
    return written


def _content(text: str, extras: SmsExtras, order: Order) -> dict[str, str]:
    if not text.strip():
        raise ValidationException.for_field("text", _("The text is empty."), "required")
    if len(text) > LONGEST:
        too_long = _("A text has %(most)s characters at most.") % {"most": LONGEST}
        raise ValidationException.for_field("text", too_long, "max_length")
    sender_id = extras.sender_id or settings.SMS_SENDER_ID
    if sender_id and not SENDER_ID.fullmatch(sender_id):
        wrong = _("A sender id is of 1 to 11 letters and digits, with at least one letter.")
        raise ValidationException.for_field("sender_id", wrong, "invalid")
    is_promotion = order.policy.kind == Kind.MARKETING
    max_price = extras.max_price or settings.SMS_MAX_PRICE
    return {
        "text": text,
        "sender_id": sender_id,
        "type": (extras.type or (SmsType.PROMOTIONAL if is_promotion else SmsType.TRANSACTIONAL)).value,
        "max_price": f"{max_price:.2f}" if max_price else "",
    }
