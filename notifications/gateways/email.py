"""E-mail through the Django backend that EMAIL_URL names."""

from dataclasses import dataclass, field
from email.encoders import encode_base64
from email.mime.base import MIMEBase
from email.utils import parseaddr
from smtplib import (
    SMTPException,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from foodfleet.core.email_addresses import mailed_address, mailed_domain
from notifications.exceptions import (
    DeliveryError,
    MisconfiguredDeliveryError,
    PermanentDeliveryError,
    TemporaryDeliveryError,
)
from notifications.gateways import mailbox, slots

AUTHENTICATION_CODES = frozenset({530, 534, 535, 538})
TOO_LARGE = 552  # the response to MAIL FROM if the message is too large for the server (RFC 1870, 6.1)


@dataclass(frozen=True)
class EmailFile:
    """An attachment of an e-mail."""

    filename: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Email:
    """An e-mail to send. tags and configuration_set: for Amazon SES."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str = ""
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    from_email: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    files: tuple[EmailFile, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    configuration_set: str = ""


class EmailGateway(Protocol):
    """Sends one e-mail and returns the provider's id of it, or ''. Calls `slots.acquire()` just before the provider.

    Raises TemporaryDeliveryError, PermanentDeliveryError or what `slots.acquire` raises; anything else is a bug.
    """

    def send(self, email: Email) -> str: ...


def message_id_header(message_id: UUID, from_email: str) -> str:
    """Return a Message-ID that is the same in each attempt, so that a mail server can detect a second copy."""
    domain = parseaddr(from_email)[1].partition("@")[2] or "localhost"
    return f"<{message_id}@{mailed_domain(domain)}>"


def to_django(email: Email) -> EmailMultiAlternatives:
    """Build Django's message. BCC recipients are in its recipients, not in its headers."""
    headers = dict(email.headers)
    if settings.EMAIL_URL.startswith("amazonses"):
        configuration_set = email.configuration_set or settings.SES_CONFIGURATION_SET
        if configuration_set:
            headers["X-SES-CONFIGURATION-SET"] = configuration_set
        if email.tags:
            headers["X-SES-MESSAGE-TAGS"] = ", ".join(f"{name}={value}" for name, value in email.tags.items())
    message = EmailMultiAlternatives(
        email.subject,
        email.text,
        mailed_address(email.from_email or settings.DEFAULT_FROM_EMAIL),
        to=[mailed_address(one) for one in email.to],
        cc=[mailed_address(one) for one in email.cc],
        bcc=[mailed_address(one) for one in email.bcc],
        reply_to=[mailed_address(one) for one in email.reply_to],
        headers=headers,
    )
    if email.html:
        message.attach_alternative(email.html, "text/html")
    for file in email.files:
        message.attach(_part_of(file))
    return message


def _part_of(file: EmailFile) -> MIMEBase:
    """Build the part with the unchanged bytes: Django would decode a text file and change line ends and charset."""
    part = MIMEBase("application", "octet-stream")
    part.replace_header("Content-Type", file.content_type)
    if part.get_content_maintype() == "text" and part.get_param("charset") is None and _is_utf8(file.content):
        part.set_param("charset", "utf-8")  # the default is ASCII (RFC 2046, 4.1.2)
    part.set_payload(file.content)
    encode_base64(part)
    name = file.filename if file.filename.isascii() else ("utf-8", "", file.filename)
    part.add_header("Content-Disposition", "attachment", filename=name)
    return part


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


class DjangoEmailGateway:
    """Sends through Django's e-mail backend."""

    def send(self, email: Email) -> str:
        """Send the e-mail and translate errors of the backend."""
        try:
            message = to_django(email)
        except UnicodeError as error:  # queued before such addresses were refused
            raise PermanentDeliveryError("The domain of an address is not valid (RFC 5891).") from error
        if not settings.EMAIL_URL.startswith("amazonses"):  # for Amazon a boto3 event calls it
            slots.acquire()
        try:
            message.send()
        except SMTPException as error:
            raise _smtp_error(error) from error
        except OSError as error:
            raise TemporaryDeliveryError(f"The mail server could not be reached ({type(error).__name__}).") from error
        if settings.DEBUG:
            mailbox.save(
                channel="email",
                to=[*email.to, *email.cc, *email.bcc],
                subject=email.subject,
                text=email.text,
                html=email.html,
            )
        return str(message.extra_headers.get("message_id", ""))


def _smtp_error(error: SMTPException) -> DeliveryError:
    """Translate an SMTP error: 5xx is permanent (RFC 5321, 4.2.1), unless it is about our account or settings."""
    if isinstance(error, SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        is_permanent = bool(codes) and min(codes) >= 500
        reason = f"The mail server refused every recipient ({', '.join(map(str, sorted(set(codes))))})."
        return PermanentDeliveryError(reason) if is_permanent else TemporaryDeliveryError(reason)
    if isinstance(error, SMTPResponseException):
        return _smtp_reply_error(error)
    reason = f"The mail server failed ({type(error).__name__})."
    if not isinstance(error, SMTPNotSupportedError):
        return TemporaryDeliveryError(reason)
    if "SMTPUTF8" in str(error):  # the server does not support the address
        return PermanentDeliveryError(reason)
    return MisconfiguredDeliveryError(f"The mail server does not support what EMAIL_URL requires: {error}", "smtp")


def _smtp_reply_error(error: SMTPResponseException) -> DeliveryError:
    code, words = error.smtp_code, str(error.smtp_error).lower()
    if code in AUTHENTICATION_CODES or "not verified" in words:  # the text of Amazon SES
        return MisconfiguredDeliveryError(
            f"The mail server refused the account or the sender with {code}.", f"smtp-{code}"
        )
    if isinstance(error, SMTPSenderRefused) and code >= 500 and code != TOO_LARGE:
        return MisconfiguredDeliveryError(f"The mail server refused the sender with {code}.", "smtp-sender")
    reason = f"The mail server answered {code}."
    return PermanentDeliveryError(reason) if code >= 500 else TemporaryDeliveryError(reason)


def email_gateway() -> EmailGateway:
    """Return the gateway that EMAIL_URL names."""
    if settings.EMAIL_URL.startswith("amazonses"):
        from notifications.gateways import ses  # boto3: only for processes that send by it

        ses.warm_up()
    return DjangoEmailGateway()
