"""Messages that staff or programs request: one for each Idempotency-Key."""

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

MAX_AHEAD = timedelta(days=365)
KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True)
class Sender:
    """The user who requests a message.

    idempotency_key: None without the header; '' for a header that the server could not read.
    """

    user: User
    idempotency_key: str | None = None
    request_id: str = ""


@dataclass(frozen=True)
class EmailRequest:
    """A requested e-mail: subject with text or HTML, or a template with its context."""

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
    """A requested SMS: a text, or a template with its variables."""

    to: str
    text: str = ""
    template: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    send_at: datetime | None = None


def send_requested_email(*, requested: EmailRequest, by: Sender) -> Message:
    """Queue the e-mail, or return the earlier message with the same key and body.

    Raises ValidationException, TemplateNotSendableException, EmailTemplateNotFoundException, MissingVariablesException,
    IdempotencyConflictException.
    """
    draft = _new_draft(Channel.EMAIL, requested, by)
    if (earlier := writing.repeated(draft, draft.body_digest)) is not None:
        return earlier
    _check_one_of("template", requested.template, "text", requested.text.strip() or requested.html)
    addressees = recipients.distinct(to=requested.to, cc=requested.cc, bcc=requested.bcc)
    if requested.kind == Kind.MARKETING and addressees.count > 1:
        message = _("A marketing e-mail has one recipient: each person has their own preferences and unsubscribe link.")
        raise ValidationException.for_field("to", message, "one_recipient")
    draft = replace(draft, user=_only_user(addressees.to))
    extras = EmailExtras(addressees.cc, addressees.bcc, requested.reply_to, requested.attachments)
    if not requested.template:
        if not requested.subject.strip():
            raise ValidationException.for_field("subject", _("An e-mail needs a subject."), "required")
        return send_email(
            to=addressees.to,
            subject=requested.subject,
            text=requested.text,
            html=requested.html,
            extras=extras,
            draft=draft,
        )
    if specs.find(Channel.EMAIL, requested.template) is None:
        raise EmailTemplateNotFoundException(details={"template": requested.template})
    return send_templated_email(
        to=addressees.to,
        template=requested.template,
        context=requested.context,
        subject=requested.subject,
        extras=extras,
        draft=draft,
    )


def send_requested_sms(*, requested: SmsRequest, by: Sender) -> Message:
    """Queue the SMS, or return the earlier message with the same key and body.

    Raises ValidationException, TemplateNotSendableException, SmsTemplateNotFoundException, MissingVariablesException,
    IdempotencyConflictException.
    """
    draft = _new_draft(Channel.SMS, requested, by)
    if (earlier := writing.repeated(draft, draft.body_digest)) is not None:
        return earlier
    _check_one_of("template", requested.template, "text", requested.text)
    if requested.template:
        return send_templated_sms(
            to=requested.to, template=requested.template, variables=requested.variables, draft=draft
        )
    return send_sms(to=requested.to, text=requested.text, draft=draft)


def _new_draft(channel: Channel, requested: EmailRequest | SmsRequest, by: Sender) -> writing.MessageDraft:
    if by.idempotency_key is not None and not KEY.fullmatch(by.idempotency_key):
        message = _("A key has 1 to 255 visible ASCII characters.")
        raise ValidationException.for_field("Idempotency-Key", message, "invalid")
    if requested.send_at is not None and requested.send_at > timezone.now() + MAX_AHEAD:
        raise ValidationException.for_field("send_at", _("This is more than a year ahead."), "too_far_ahead")
    draft = writing.MessageDraft(
        # The sender's choice alone: no template gives a message of staff the security kind or a higher priority.
        policy=MARKETING if requested.kind == Kind.MARKETING else Policy(),
        sender=by.user,
        idempotency_key=by.idempotency_key or "",
        request_id=by.request_id,
        send_at=requested.send_at,
    )
    if not draft.idempotency_key:
        return draft
    # The digest is of the request, not of the rendered message: an edited template does not change it.
    return replace(draft, body_digest=writing.digest_of(draft, channel, _body(requested)))


def _body(requested: EmailRequest | SmsRequest) -> dict[str, Any]:
    files = requested.attachments if isinstance(requested, EmailRequest) else ()
    named = [(file.filename, file.content_type, hashlib.sha256(file.content).hexdigest()) for file in files]  # type: ignore[arg-type]
    return {**vars(requested), "attachments": named}


def _check_one_of(first: str, one: str, second: str, other: str) -> None:
    if bool(one.strip()) == bool(other.strip()):
        message = _("Enter either %(first)s or %(second)s.") % {"first": first, "second": second}
        raise ValidationException.for_field(second, message, "required")


def _only_user(addresses: Sequence[str]) -> User | None:
    """Return the user with this address, whose language and preferences apply. None for several addresses."""
    if len(addresses) != 1:
        return None
    user: User | None = User.objects.with_email(recipients.mailbox_of(addresses[0])).first()
    return user
