"""Amazon SES, through django-ses."""

import uuid
from email.generator import BytesGenerator
from email.policy import Compat32
from io import BytesIO
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.message import sanitize_address
from django_ses import SESBackend as DjangoSESBackend

from notifications.gateways import amazon


class SESBackend(DjangoSESBackend):  # type: ignore[misc]
    """django-ses on one client a process (its own makes one a mail, a tenth of a second each), with errors raised.

    Its own throttle is off: it knows one process and sleeps, where `notifications.services.delivery.quota` knows all.
    """

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=False, use_ses_v2=settings.SES_API == "v2", **kwargs)
        self._throttle = None

    def open(self) -> bool:
        """Take the process's client."""
        self.connection = _client()
        return True

    def _get_send_email_parameters(self, message: EmailMessage, source: str | None, email_feedback: Any) -> Any:
        """Without looking for a library that signs with DKIM, which costs more than it is told: SES signs."""
        data, sender = _written(message), _in_ascii(source or message.from_email)
        recipients = [_in_ascii(recipient) for recipient in message.recipients()]
        if self._use_ses_v2:
            destination = {"ToAddresses": recipients}
            return {"FromEmailAddress": sender, "Destination": destination, "Content": {"Raw": {"Data": data}}}
        return {"Source": sender, "Destinations": recipients, "RawMessage": {"Data": data}}


def _in_ascii(address: str) -> str:
    """As SES takes it: the domain in punycode, the name in encoded words."""
    return address if address.isascii() else str(sanitize_address(address, "utf-8"))


class _Policy(Compat32):
    """Python's own, but that a short header of ASCII is written as it is, and not taken apart to be folded.

    So is the link to unsubscribe: as one long word it would be folded into a first line that is empty.
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        """The line or lines of a header. value: a str, or a Header where it is of another script."""
        if type(value) is str and value.isascii() and value.isprintable():
            most = LONGEST_LINE if name == "List-Unsubscribe" else MOST_OF_A_LINE
            if len(name) + len(value) < most:
                return f"{name}: {value}{self.linesep}".encode()
        return super().fold_binary(name, value)


MOST_OF_A_LINE = 76  # RFC 5322, 2.1.1: 78 with the colon and the space
LONGEST_LINE = 996  # the same: no line may be longer than 998
POLICY = _Policy(linesep="\r\n")


def _written(message: EmailMessage) -> bytes:
    mail: Any = message.message()
    for part in mail.walk():
        if part.is_multipart():  # else Python compiles a pattern a mail to see that what it made up is in none of it
            part.set_boundary(uuid.uuid4().hex)
    written = BytesIO()
    BytesGenerator(written, mangle_from_=False, policy=POLICY).flatten(mail)
    return written.getvalue()


def _client() -> Any:
    return amazon.client("sesv2" if settings.SES_API == "v2" else "ses")


def warm_up() -> None:
    """Make the process's client, which takes a tenth of a second: not when leave to send has been given already."""
    _client()


def max_per_second() -> float | None:
    """The account's rate in recipients a second, asked of SES itself; None where it has no limit.

    Raises TemporaryDeliveryError or PermanentDeliveryError.
    """
    try:
        quota = amazon.client("ses").get_send_quota()
    except (ClientError, BotoCoreError) as error:
        raise amazon.sorted_error(error) from error
    rate = float(quota["MaxSendRate"])
    return rate if rate > 0 else None  # -1: unlimited
