"""Ordering texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import TextChoices

from notifications.models import Message
from notifications.services import rendering
from notifications.services.writing import Order, digest_of, repeated, write
from notifications.states import Channel


class SmsType(TextChoices):
    """What Amazon optimizes for: arrival or price."""

    TRANSACTIONAL = "Transactional"
    PROMOTIONAL = "Promotional"


@dataclass(frozen=True)
class SmsExtras:
    """What a text may have beside number and words; '' and None: as the settings say."""

    sender_id: str = ""
    type: SmsType = SmsType.TRANSACTIONAL
    max_price: Decimal | None = None


NO_EXTRAS = SmsExtras()
NO_ORDER = Order()


def send_sms(*, to: str, text: str, extras: SmsExtras = NO_EXTRAS, order: Order = NO_ORDER) -> Message:
    """Queue a text to a number in E.164 form; it is sent once the transaction commits.

    Raises ValidationException (wrong number, empty or too long a text), IdempotencyConflictException.
    """
    return _queue(to, rendering.SmsContent(text), extras, order)


def send_templated_sms(
    *, to: str, template: str, variables: Mapping[str, str], extras: SmsExtras = NO_EXTRAS, order: Order = NO_ORDER
) -> Message:
    """Queue a text from a template, rendered now.

    Raises as send_sms does, and what the template raises for an unknown name or missing variables.
    """
    language = order.language or (order.user.language if order.user else "")
    content = rendering.render_sms(template, dict(variables), language)
    return _queue(to, content, extras, order, template=template)


def _queue(to: str, content: rendering.SmsContent, extras: SmsExtras, order: Order, *, template: str = "") -> Message:
    digest = order.body_digest or digest_of("sms", to, content.text, extras.sender_id, extras.type, extras.max_price)
    if (earlier := repeated(order, digest)) is not None:
        return earlier
    message = Message(
        channel=Channel.SMS, to=[to], template=template, template_version=content.version, body_digest=digest
    )
    sealed = {
        "text": content.text,
        "sender_id": extras.sender_id,
        "type": extras.type,
        "max_price": str(extras.max_price) if extras.max_price is not None else "",
    }
    return write(message, sealed, order)
