"""Ordering e-mails."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import ValidationException
from notifications.exceptions import MailTooLargeException
from notifications.models import Message
from notifications.services.audience import preferences
from notifications.services.compose import attachments, html, recipients
from notifications.services.compose.attachments import NewAttachment, ReadAttachment
from notifications.services.compose.recipients import Recipients
from notifications.services.compose.sizes import encoded_size, is_surely_within, most_bytes
from notifications.services.compose.writing import Order, digest_of, repeated, write
from notifications.services.templates import rendering, specs
from notifications.states import Channel, Priority

__all__ = ["EmailExtras", "NewAttachment", "queue_templated_email", "send_email", "send_templated_email"]

TAG = re.compile(r"[A-Za-z0-9_.@-]{1,256}")  # what SES takes as a tag's name or value
LONGEST_SUBJECT = 989  # characters: a line of a mail has 998 at most (RFC 5322, 2.1.1), "Subject: " included


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
    """Subject, text and HTML; the template and the words of the caller that they come from."""

    subject: str
    text: str = ""
    html: str = ""
    template: str = ""
    template_version: int = 0
    language: str = ""
    unsubscribe_link: str = ""
    asked: tuple[Any, ...] = ()  # what the caller gave; the same again under one idempotency key is the same mail


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
    """Queue a mail; it is sent once the transaction commits. A missing text is made from the HTML.

    Raises ValidationException (no or wrong recipients, nothing to say, line breaks in a header), MailTooLargeException,
    IdempotencyConflictException.
    """
    whom = recipients.distinct(to=to, cc=extras.cc, bcc=extras.bcc)
    body = EmailBody(subject, text, html, asked=(subject, text, html))
    if link := _unsubscribe_link(whom, order):
        body = _with_link(body, link, order.language or (order.user.language if order.user else ""))
    return _queue(whom, body, extras, order)


def send_templated_email(
    *,
    to: Sequence[str],
    template: str,
    context: Mapping[str, Any],
    subject: str = "",
    extras: EmailExtras = NO_EXTRAS,
    order: Order = NO_ORDER,
) -> Message:
    """Queue a mail from a template that may be sent by hand. subject: instead of the template's own.

    Raises as send_email does, and TemplateNotSendableException, EmailTemplateNotFoundException or
    MissingVariablesException.
    """
    specs.check_sendable(Channel.EMAIL, template)
    return queue_templated_email(to=to, template=template, context=context, subject=subject, extras=extras, order=order)


def queue_templated_email(
    *,
    to: Sequence[str],
    template: str,
    context: Mapping[str, Any],
    subject: str = "",
    extras: EmailExtras = NO_EXTRAS,
    order: Order = NO_ORDER,
) -> Message:
    """Queue a mail from any template, rendered now: for outbox.py, whose values the product made.

    Raises as send_email does, and EmailTemplateNotFoundException or MissingVariablesException.
    """
    language = order.language or (order.user.language if order.user else "")
    whom = recipients.distinct(to=to, cc=extras.cc, bcc=extras.bcc)
    link = _unsubscribe_link(whom, order)
    content = rendering.render_email(template, {**context, "unsubscribe_link": link}, language)
    body = EmailBody(
        subject=subject or content.subject,
        text=content.text,
        html=content.html,
        template=template,
        template_version=content.version,
        language=language,
        unsubscribe_link=link,
        asked=(template, dict(context), subject),
    )
    return _queue(whom, body, extras, order)


def _unsubscribe_link(whom: Recipients, order: Order) -> str:
    """For what a person did not ask for: bulk, of a kind that they may switch off.

    A mail to several has none: whoever pressed it would decline for another.
    """
    if order.policy.priority != Priority.BULK or whom.count != 1 or not whom.to:
        return ""
    return preferences.unsubscribe_link(order.user or recipients.mailbox_of(whom.to[0]), order.policy.kind)


def _with_link(body: EmailBody, link: str, language: str) -> EmailBody:
    """Words that no template of ours frames: the link stands below them, for mail programs without the button."""
    with translation.override(language or settings.LANGUAGE_CODE):
        label = gettext("Unsubscribe from messages like this")
    text = f"{body.text.rstrip()}\n\n{label}: {link}\n" if body.text.strip() else ""
    framed = html.with_link_below(body.html, link, label) if body.html.strip() else ""
    return replace(body, text=text, html=framed, unsubscribe_link=link)


def _queue(whom: Recipients, body: EmailBody, extras: EmailExtras, order: Order) -> Message:
    message = _message(whom, body)
    content = _content(body, extras)
    files = attachments.read_all(extras.attachments)
    _check_size(content, files)
    message.body_digest = order.body_digest or _digest(order, message, body, extras, files)
    if (earlier := repeated(order, message.body_digest)) is not None:
        return earlier
    message.has_attachments = bool(files)
    rows = attachments.store(files)
    content["files"] = [
        {"name": row.file.name, "filename": row.filename, "content_type": row.content_type} for row in rows
    ]
    try:
        written = write(message, content, order, rows)
    except (OperationalError, InterfaceError):
        raise  # perhaps it is committed, and only the answer lost: files that no row names are looked for later
    except BaseException:
        attachments.remove_files(rows)
        raise
    if written is not message:  # somebody with the same key was faster
        attachments.remove_files(rows)
    return written


def _message(whom: Recipients, body: EmailBody) -> Message:
    message = Message(
        channel=Channel.EMAIL,
        to=whom.to,
        cc=whom.cc,
        bcc=whom.bcc,
        recipients=whom.count,
        subject=_subject(body.subject)[:255],
        template=body.template,
        template_version=body.template_version,
        language=body.language,
    )
    if not message.to:
        raise ValidationException.for_field("to", _("Name at least one recipient."), "required")
    if message.recipients > recipients.MOST_RECIPIENTS:
        text = _("One mail goes to %(most)s recipients at most.") % {"most": recipients.MOST_RECIPIENTS}
        raise ValidationException.for_field("to", text, "max_length")
    return message


def _subject(value: str) -> str:
    if len(recipients.check_line(value, "subject")) > LONGEST_SUBJECT:
        text = _("A subject has %(most)s characters at most.") % {"most": LONGEST_SUBJECT}
        raise ValidationException.for_field("subject", text, "max_length")
    return value


def _content(body: EmailBody, extras: EmailExtras) -> dict[str, Any]:
    if not body.text.strip() and not body.html.strip():
        raise ValidationException.for_field("text", _("Give a text, HTML, or a template."), "required")
    if not body.template:
        html.check(body.html)
    from_email = recipients.emails([extras.from_email], "from_email")[0] if extras.from_email else ""
    link = body.unsubscribe_link
    return {
        "subject": body.subject,
        "text": body.text or html.as_text(body.html),
        "html": body.html if body.template else html.with_inline_styles(body.html),
        "reply_to": recipients.emails(extras.reply_to, "reply_to"),
        "from_email": from_email,
        # RFC 8058: the mail program's own button, one click.
        "headers": {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        if link
        else {},
        "tags": {_tag(name): _tag(value) for name, value in extras.tags.items()},
        "configuration_set": _tag(extras.configuration_set) if extras.configuration_set else "",
    }


def _tag(value: str) -> str:
    if not TAG.fullmatch(value):
        message = _("Tags are of letters, digits and _ . @ - alone.")
        raise ValidationException.for_field("tags", message, "invalid")
    return value


def _check_size(content: Mapping[str, Any], files: Sequence[ReadAttachment]) -> None:
    attachments.check(files)
    bodies, lengths = [content["text"], content["html"]], [len(file.content) for file in files]
    if is_surely_within(most_bytes(), bodies, lengths):
        return
    size = encoded_size(bodies, lengths)
    if size > most_bytes():
        raise MailTooLargeException.of(size, most_bytes())


def _digest(
    order: Order, message: Message, body: EmailBody, extras: EmailExtras, files: Sequence[ReadAttachment]
) -> str:
    if not order.idempotency_key:
        return ""
    named = [(file.filename, file.content_type, file.digest) for file in files]
    others = [list(extras.reply_to), extras.from_email, dict(extras.tags), extras.configuration_set]
    return digest_of(order, "email", message.to, message.cc, message.bcc, body.asked, others, named)
