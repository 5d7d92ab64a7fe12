"""E-mail through whatever Django backend EMAIL_URL names."""

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

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from foodfleet.core.email_addresses import mailed_address, mailed_domain
from notifications.exceptions import (
    DeliveryError,
    MisconfiguredDeliveryError,
    PermanentDeliveryError,
    TemporaryDeliveryError,
)
from notifications.gateways import amazon, mailbox, ses, turns

SIGN_IN_CODES = frozenset({530, 534, 535, 538})
TOO_LARGE = 552  # answered to MAIL FROM where the message is larger than the server takes (RFC 1870, 6.1)


@dataclass(frozen=True)
class EmailFile:
    """A file that goes with a mail."""

    filename: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Email:
    """A mail, ready to be sent. tags and configuration_set: Amazon SES's."""

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
    """Sends one mail and returns the provider's id of it, or ''. Says `turns.begin()` just before it asks the network.

    Raises TemporaryDeliveryError, PermanentDeliveryError or what `turns.begin` raises; anything else is a bug.
    """

    def send(self, email: Email) -> str: ...


def message_id_header(message_id: UUID, from_email: str) -> str:
    """A Message-ID that is the same each time a message is tried, so that a mail server sees a second copy as one."""
    domain = parseaddr(from_email)[1].partition("@")[2] or "localhost"
    return f"<{message_id}@{mailed_domain(domain)}>"


def to_django(email: Email) -> EmailMultiAlternatives:
    """The mail as Django's; BCC is in its recipients and in no header of it."""
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
    """Byte for byte: Django would take a text for words, with lines and a character set of its own."""
    part = MIMEBase("application", "octet-stream")
    part.replace_header("Content-Type", file.content_type)
    if part.get_content_maintype() == "text" and part.get_param("charset") is None and _is_utf8(file.content):
        part.set_param("charset", "utf-8")  # without it readers take it for ASCII (RFC 2046, 4.1.2)
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
    """Any Django e-mail backend."""

    def send(self, email: Email) -> str:
        """Hand the mail to the backend and translate its errors."""
        try:
            message = to_django(email)
        except UnicodeError as error:  # written before addresses were checked for it
            raise PermanentDeliveryError("The domain of an address has no form that mail servers know.") from error
        if not settings.EMAIL_URL.startswith("amazonses"):  # there it is said later, when the mail is written
            turns.begin()
        try:
            message.send()
        except ClientError as error:
            raise amazon.sorted_error(error) from error
        except BotoCoreError as error:
            raise amazon.sorted_error(error) from error
        except SMTPException as error:
            raise _of_smtp(error) from error
        except OSError as error:
            raise TemporaryDeliveryError(f"The mail server could not be reached ({type(error).__name__}).") from error
        if settings.DEBUG:
            mailbox.keep(
                channel="email",
                to=[*email.to, *email.cc, *email.bcc],
                subject=email.subject,
                text=email.text,
                html=email.html,
            )
        return str(message.extra_headers.get("message_id", ""))


def _of_smtp(error: SMTPException) -> DeliveryError:
    """A reply of 5xx is for good (RFC 5321 4.2.1), unless it is about us and not about the mail."""
    if isinstance(error, SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        refused_for_good = bool(codes) and min(codes) >= 500
        reason = f"The mail server refused every recipient ({', '.join(map(str, sorted(set(codes))))})."
        return PermanentDeliveryError(reason) if refused_for_good else TemporaryDeliveryError(reason)
    if isinstance(error, SMTPResponseException):
        return _of_reply(error)
    reason = f"The mail server failed ({type(error).__name__})."
    if not isinstance(error, SMTPNotSupportedError):
        return TemporaryDeliveryError(reason)
    if "SMTPUTF8" in str(error):  # an address that it cannot take
        return PermanentDeliveryError(reason)
    return MisconfiguredDeliveryError(f"The mail server does not do what EMAIL_URL asks of it: {error}", "smtp")


def _of_reply(error: SMTPResponseException) -> DeliveryError:
    code, words = error.smtp_code, str(error.smtp_error).lower()
    if code in SIGN_IN_CODES or "not verified" in words:  # the latter is what Amazon SES says
        return MisconfiguredDeliveryError(f"The mail server refused our account or sender with {code}.", f"smtp-{code}")
    if isinstance(error, SMTPSenderRefused) and code >= 500 and code != TOO_LARGE:
        return MisconfiguredDeliveryError(f"The mail server refused our sender with {code}.", "smtp-sender")
    reason = f"The mail server answered {code}."
    return PermanentDeliveryError(reason) if code >= 500 else TemporaryDeliveryError(reason)


def email_gateway() -> EmailGateway:
    """The gateway of EMAIL_URL."""
    if settings.EMAIL_URL.startswith("amazonses"):
        ses.warm_up()
    return DjangoEmailGateway()
