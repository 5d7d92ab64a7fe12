"""Queue e-mails."""

import quopri
import re
from collections.abc import Iterable, Mapping, Sequence
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
from notifications.services.compose.writing import MessageDraft, digest_of, write
from notifications.services.templates import rendering, specs
from notifications.states import Channel, Priority

__all__ = ["EmailExtras", "NewAttachment", "queue_templated_email", "send_email", "send_templated_email"]

TAG = re.compile(r"[A-Za-z0-9_.@-]{1,256}")  # a name or value of a tag in Amazon SES
LONGEST_SUBJECT = 989  # characters; a line has at most 998 (RFC 5322, 2.1.1), including "Subject: "
HEADER_BYTES = 4096  # upper estimate of headers and part boundaries
PART_HEADER_BYTES = 1024  # upper estimate of the headers of one attachment
WORST_QUOTED_PRINTABLE = 13  # bytes of a four-byte character as quoted-printable, with its share of soft line breaks
BASE64_LINE = 57  # bytes that base64 encodes into one line of 78 bytes


@dataclass(frozen=True)
class EmailExtras:
    """Options of an e-mail besides recipients, subject and body.

    tags and configuration_set: for Amazon SES and the events that it reports.
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
    """Subject, text and HTML of an e-mail, and the template that they were rendered from."""

    subject: str
    text: str = ""
    html: str = ""
    template: str = ""
    template_version: int = 0
    language: str = ""
    unsubscribe_link: str = ""
    requested: tuple[Any, ...] = ()  # the caller's input, compared when an idempotency key is used again


NO_EXTRAS = EmailExtras()
NO_DRAFT = MessageDraft()


def send_email(
    *,
    to: Sequence[str],
    subject: str,
    text: str = "",
    html: str = "",
    extras: EmailExtras = NO_EXTRAS,
    draft: MessageDraft = NO_DRAFT,
) -> Message:
    """Queue an e-mail. It is sent after the transaction commits. A missing text is made from the HTML.

    Raises ValidationException (no or invalid recipients, no content, line breaks in a header), MailTooLargeException
    or IdempotencyConflictException.
    """
    addressees = recipients.distinct(to=to, cc=extras.cc, bcc=extras.bcc)
    body = EmailBody(subject, text, html, requested=(subject, text, html))
    if link := _unsubscribe_link(addressees, draft):
        body = _with_link(body, link, draft.language or (draft.user.language if draft.user else ""))
    return _queue(addressees, body, extras, draft)


def send_templated_email(
    *,
    to: Sequence[str],
    template: str,
    context: Mapping[str, Any],
    subject: str = "",
    extras: EmailExtras = NO_EXTRAS,
    draft: MessageDraft = NO_DRAFT,
) -> Message:
    """Queue an e-mail from a template that staff may send. subject: instead of the template's own.

    Raises as send_email does, and TemplateNotSendableException, EmailTemplateNotFoundException or
    MissingVariablesException.
    """
    specs.check_sendable(Channel.EMAIL, template)
    return queue_templated_email(to=to, template=template, context=context, subject=subject, extras=extras, draft=draft)


def queue_templated_email(
    *,
    to: Sequence[str],
    template: str,
    context: Mapping[str, Any],
    subject: str = "",
    extras: EmailExtras = NO_EXTRAS,
    draft: MessageDraft = NO_DRAFT,
) -> Message:
    """Queue an e-mail from any template. Only for outbox.py, whose values come from the product, not from staff.

    Raises as send_email does, and EmailTemplateNotFoundException or MissingVariablesException.
    """
    language = draft.language or (draft.user.language if draft.user else "")
    addressees = recipients.distinct(to=to, cc=extras.cc, bcc=extras.bcc)
    link = _unsubscribe_link(addressees, draft)
    content = rendering.render_email(template, {**context, "unsubscribe_link": link}, language)
    body = EmailBody(
        subject=subject or content.subject,
        text=content.text,
        html=content.html,
        template=template,
        template_version=content.version,
        language=language,
        unsubscribe_link=link,
        requested=(template, dict(context), subject),
    )
    return _queue(addressees, body, extras, draft)


def _unsubscribe_link(addressees: Recipients, draft: MessageDraft) -> str:
    """Return the unsubscribe link of a bulk e-mail to one recipient; '' for any other.

    An e-mail to several recipients has none: one of them could unsubscribe another.
    """
    if draft.policy.priority != Priority.BULK or addressees.count != 1 or not addressees.to:
        return ""
    return preferences.unsubscribe_link(draft.user or recipients.mailbox_of(addressees.to[0]), draft.policy.kind)


def _with_link(body: EmailBody, link: str, language: str) -> EmailBody:
    """Add the unsubscribe link below content without a template, for mail programs without an unsubscribe button."""
    with translation.override(language or settings.LANGUAGE_CODE):
        label = gettext("Unsubscribe from messages like this")
    text = f"{body.text.rstrip()}\n\n{label}: {link}\n" if body.text.strip() else ""
    framed = html.with_link_below(body.html, link, label) if body.html.strip() else ""
    return replace(body, text=text, html=framed, unsubscribe_link=link)


def _queue(addressees: Recipients, body: EmailBody, extras: EmailExtras, draft: MessageDraft) -> Message:
    message = _message(addressees, body)
    content = _content(body, extras)
    files = attachments.read_all(extras.attachments)
    _check_size(content, files)
    message.body_digest = draft.body_digest or _digest(draft, message, body, extras, files)
    message.has_attachments = bool(files)
    rows = attachments.store(files)
    content["files"] = [
        {"name": row.file.name, "filename": row.filename, "content_type": row.content_type} for row in rows
    ]
    try:
        written = write(message, content, draft, rows)
    except (OperationalError, InterfaceError):
        raise  # the commit may have succeeded: `discard_orphans` removes the files if it did not
    except BaseException:
        attachments.remove_files(rows)
        raise
    if written is not message:  # it repeats an earlier request
        attachments.remove_files(rows)
    return written


def _message(addressees: Recipients, body: EmailBody) -> Message:
    message = Message(
        channel=Channel.EMAIL,
        to=addressees.to,
        cc=addressees.cc,
        bcc=addressees.bcc,
        recipients=addressees.count,
        subject=_subject(body.subject)[:255],
        template=body.template,
        template_version=body.template_version,
        language=body.language,
    )
    if not message.to:
        raise ValidationException.for_field("to", _("Enter at least one recipient."), "required")
    if message.recipients > recipients.MOST_RECIPIENTS:
        text = _("An e-mail has at most %(most)s recipients.") % {"most": recipients.MOST_RECIPIENTS}
        raise ValidationException.for_field("to", text, "max_length")
    return message


def _subject(value: str) -> str:
    if len(recipients.check_line(value, "subject")) > LONGEST_SUBJECT:
        text = _("A subject has at most %(most)s characters.") % {"most": LONGEST_SUBJECT}
        raise ValidationException.for_field("subject", text, "max_length")
    return value


def _content(body: EmailBody, extras: EmailExtras) -> dict[str, Any]:
    if not body.text.strip() and not body.html.strip():
        raise ValidationException.for_field("text", _("Enter a text, HTML or a template."), "required")
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
        # The one-click unsubscribe button of mail programs (RFC 8058).
        "headers": {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        if link
        else {},
        "tags": {_tag(name): _tag(value) for name, value in extras.tags.items()},
        "configuration_set": _tag(extras.configuration_set) if extras.configuration_set else "",
    }


def _tag(value: str) -> str:
    if not TAG.fullmatch(value):
        message = _("Tags have only letters, digits and the characters _ . @ -")
        raise ValidationException.for_field("tags", message, "invalid")
    return value


def _check_size(content: Mapping[str, Any], files: Sequence[ReadAttachment]) -> None:
    attachments.check(files)
    bodies, lengths = [content["text"], content["html"]], [len(file.content) for file in files]
    limit = settings.EMAIL_MAX_MEGABYTES * 1024 * 1024
    if is_surely_within(limit, bodies, lengths):
        return
    size = encoded_size(bodies, lengths)
    if size > limit:
        raise MailTooLargeException.of(size, limit)


def encoded_size(bodies: Iterable[str], files: Iterable[int]) -> int:
    """Return an upper bound of the e-mail's bytes: bodies as quoted-printable, files as base64."""
    quoted = sum(len(quopri.encodestring(body.encode())) for body in bodies)
    return HEADER_BYTES + quoted + _encoded_files(files)


def is_surely_within(limit: int, bodies: Iterable[str], files: Iterable[int]) -> bool:
    """Whether no encoding makes the e-mail larger than `limit` bytes: a cheap test that most e-mails pass."""
    return HEADER_BYTES + sum(map(len, bodies)) * WORST_QUOTED_PRINTABLE + _encoded_files(files) <= limit


def _encoded_files(sizes: Iterable[int]) -> int:
    return sum(-(-size // BASE64_LINE) * 78 + PART_HEADER_BYTES for size in sizes)


def _digest(
    draft: MessageDraft, message: Message, body: EmailBody, extras: EmailExtras, files: Sequence[ReadAttachment]
) -> str:
    if not draft.idempotency_key:
        return ""
    named = [(file.filename, file.content_type, file.digest) for file in files]
    others = [list(extras.reply_to), extras.from_email, dict(extras.tags), extras.configuration_set]
    return digest_of(draft, "email", message.to, message.cc, message.bcc, body.requested, others, named)
