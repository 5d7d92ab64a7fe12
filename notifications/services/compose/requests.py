"""Messages that somebody asks for by hand or by program: once for each Idempotency-Key."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from foodfleet.core.exceptions import ValidationException
from notifications.exceptions import EmailTemplateNotFoundException
from notifications.models import Message
from notifications.services.compose import recipients, writing
from notifications.services.compose.email import EmailExtras, NewAttachment, send_email, send_templated_email
from notifications.services.compose.policies import MARKETING, Policy
from notifications.services.compose.sms import send_sms, send_templated_sms
from notifications.services.templates import specs
from notifications.states import Channel, Kind

MAX_AHEAD = timedelta(days=366)
KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True)
class Asker:
    """Who asks, with which key against doing it twice. None: without; '': with one that the server could not read."""

    user: User
    idempotency_key: str | None = None
    request_id: str = ""


@dataclass(frozen=True)
class EmailRequest:
    """A mail: subject with text or HTML, or a template with its context."""

    to: Sequence[str]
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    reply_to: Sequence[str] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    template: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    attachments: Sequence[NewAttachment] = ()
    kind: str = ""
    send_at: datetime | None = None


@dataclass(frozen=True)
class SmsRequest:
    """A text: words, or a template with its variables."""

    to: str
    text: str = ""
    template: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    send_at: datetime | None = None


def order_email(*, asked: EmailRequest, by: Asker) -> Message:
    """Queue the mail, or return what the same key and body queued before.

    Raises ValidationException, TemplateNotSendableException, EmailTemplateNotFoundException, MissingVariablesException,
    IdempotencyConflictException.
    """
    order = _order(Channel.EMAIL, asked, by)
    if (earlier := writing.repeated(order, order.body_digest)) is not None:
        return earlier
    _check_one_of("template", asked.template, "text", asked.text or asked.html)
    whom = recipients.distinct(to=asked.to, cc=asked.cc, bcc=asked.bcc)
    if asked.kind == Kind.MARKETING and whom.count > 1:
        message = _("Marketing goes to one recipient a message: each has preferences and a link to unsubscribe.")
        raise ValidationException.for_field("to", message, "one_recipient")
    order = replace(order, user=_only_user(whom.to))
    extras = EmailExtras(whom.cc, whom.bcc, asked.reply_to, asked.attachments)
    if not asked.template:
        if not asked.subject.strip():
            raise ValidationException.for_field("subject", _("A mail needs a subject."), "required")
        return send_email(
            to=whom.to, subject=asked.subject, text=asked.text, html=asked.html, extras=extras, order=order
        )
    if specs.find(Channel.EMAIL, asked.template) is None:
        raise EmailTemplateNotFoundException(details={"template": asked.template})
    return send_templated_email(
        to=whom.to,
        template=asked.template,
        context=asked.context,
        subject=asked.subject,
        extras=extras,
        order=order,
    )


def order_sms(*, asked: SmsRequest, by: Asker) -> Message:
    """Queue the text, or return what the same key and body queued before.

    Raises ValidationException, TemplateNotSendableException, SmsTemplateNotFoundException, MissingVariablesException,
    IdempotencyConflictException.
    """
    order = _order(Channel.SMS, asked, by)
    if (earlier := writing.repeated(order, order.body_digest)) is not None:
        return earlier
    _check_one_of("template", asked.template, "text", asked.text)
    if asked.template:
        return send_templated_sms(to=asked.to, template=asked.template, variables=asked.variables, order=order)
    return send_sms(to=asked.to, text=asked.text, order=order)


def _order(channel: Channel, asked: EmailRequest | SmsRequest, by: Asker) -> writing.Order:
    if by.idempotency_key is not None and not KEY.fullmatch(by.idempotency_key):
        message = _("A key has 1 to 255 visible ASCII characters.")
        raise ValidationException.for_field("Idempotency-Key", message, "invalid")
    if asked.send_at is not None and asked.send_at > timezone.now() + MAX_AHEAD:
        raise ValidationException.for_field("send_at", _("This is more than a year ahead."), "too_far_ahead")
    order = writing.Order(
        # Of staff's own choice alone, whatever template they name: kinds and lanes of security are the product's.
        policy=MARKETING if asked.kind == Kind.MARKETING else Policy(),
        sender=by.user,
        idempotency_key=by.idempotency_key or "",
        request_id=by.request_id,
        send_at=asked.send_at,
    )
    if not order.idempotency_key:
        return order
    # Of the body as it was asked for: what a template says meanwhile makes no other body.
    return replace(order, body_digest=writing.digest_of(order, channel, _as_asked(asked)))


def _as_asked(asked: EmailRequest | SmsRequest) -> dict[str, Any]:
    files = asked.attachments if isinstance(asked, EmailRequest) else ()
    named = [(file.filename, file.content_type, hashlib.sha256(file.content).hexdigest()) for file in files]  # type: ignore[arg-type]
    return {**vars(asked), "attachments": named}


def _check_one_of(first: str, one: str, second: str, other: str) -> None:
    if bool(one.strip()) == bool(other.strip()):
        message = _("Give either %(first)s or %(second)s.") % {"first": first, "second": second}
        raise ValidationException.for_field(second, message, "required")


def _only_user(addresses: Sequence[str]) -> User | None:
    """The user whom a mail to one address is for: their language and their preferences count."""
    if len(addresses) != 1:
        return None
    user: User | None = User.objects.with_email(recipients.mailbox_of(addresses[0])).first()
    return user
