"""Ordering e-mails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.files import File

from notifications.models import Message
from notifications.services import rendering
from notifications.services.writing import Order, digest_of, repeated, write
from notifications.states import Channel


@dataclass(frozen=True)
class NewAttachment:
    """A file to send along: bytes, or a file of Django's. content_type: guessed from the name where it is ''."""

    filename: str
    content: "bytes | File[bytes]"
    content_type: str = ""


@dataclass(frozen=True)
class EmailExtras:
    """What a mail may have beside recipients, subject and body.

    tags and configuration_set: Amazon SES's, for the events that it reports.
    """

    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    reply_to: Sequence[str] = ()
    attachments: Sequence[NewAttachment] = ()
    from_email: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    configuration_set: str = ""


@dataclass(frozen=True)
class EmailBody:
    """Subject, text and HTML; a missing text is made from the HTML."""

    subject: str
    text: str = ""
    html: str = ""
    template: str = ""
    template_version: int = 0
    language: str = ""


NO_EXTRAS = EmailExtras()
NO_ORDER = Order()


def send_email(
    *,
    to: Sequence[str],
    subject: str,
    text: str = "",
    html: str = "",
    extras: EmailExtras = NO_EXTRAS,
    order: Order = NO_ORDER,
) -> Message:
    """Queue a mail; it is sent once the transaction commits.

    Raises ValidationException (no or wrong recipients, line breaks in a header, too large),
    IdempotencyConflictException.
    """
    return _queue(to, EmailBody(subject, text, html), extras, order)


def send_templated_email(
    *,
    to: Sequence[str],
    template: str,
    context: Mapping[str, Any],
    subject: str = "",
    extras: EmailExtras = NO_EXTRAS,
    order: Order = NO_ORDER,
) -> Message:
    """Queue a mail from a template, rendered now. subject: instead of the template's own.

    Raises as send_email does, and what the template raises for missing variables.
    """
    language = order.language or (order.user.language if order.user else "")
    content = rendering.render_email(template, dict(context), language)
    body = EmailBody(subject or content.subject, content.text, content.html, template, content.version, language)
    return _queue(to, body, extras, order)


def _queue(to: Sequence[str], body: EmailBody, extras: EmailExtras, order: Order) -> Message:
    digest = order.body_digest or digest_of(
        "email", list(to), body.subject, body.text, body.html, extras.cc, extras.bcc, extras.reply_to
    )
    if (earlier := repeated(order, digest)) is not None:
        return earlier
    message = Message(
        channel=Channel.EMAIL,
        to=list(to),
        cc=list(extras.cc),
        bcc=list(extras.bcc),
        recipients=len(to) + len(extras.cc) + len(extras.bcc),
        subject=body.subject[:255],
        template=body.template,
        template_version=body.template_version,
        language=body.language,
        body_digest=digest,
    )
    content = {"subject": body.subject, "text": body.text, "html": body.html, "reply_to": list(extras.reply_to)}
    return write(message, content, order)
