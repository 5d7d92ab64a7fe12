"""E-mail through whatever Django backend EMAIL_URL names."""

from dataclasses import dataclass, field
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPSenderRefused
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from notifications.exceptions import PermanentDeliveryError, TemporaryDeliveryError
from notifications.gateways import mailbox

TEMPORARY_AMAZON_CODES = {
    "Throttling", "ThrottlingException", "TooManyRequestsException", "LimitExceededException", "ServiceUnavailable",
    "InternalFailure", "InternalServerErrorException", "RequestTimeout",
}  # fmt: skip


@dataclass(frozen=True)
class Email:
    """A mail, ready to be sent."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class EmailGateway(Protocol):
    """Sends one mail and returns the provider's id of it, or ''.

    Raises TemporaryDeliveryError or PermanentDeliveryError; anything else is a bug.
    """

    def send(self, email: Email) -> str: ...


class DjangoEmailGateway:
    """Any Django e-mail backend."""

    def send(self, email: Email) -> str:
        """Hand the mail to the backend and translate its errors."""
        message = EmailMultiAlternatives(email.subject, email.text, None, list(email.to), headers=dict(email.headers))
        if email.html:
            message.attach_alternative(email.html, "text/html")
        try:
            message.send()
        except (SMTPRecipientsRefused, SMTPSenderRefused) as error:
            raise PermanentDeliveryError(type(error).__name__) from error
        except ClientError as error:
            raise _of_amazon(error) from error
        except (SMTPException, BotoCoreError, OSError) as error:
            raise TemporaryDeliveryError(type(error).__name__) from error
        if settings.DEBUG:
            mailbox.keep(channel="email", to=email.to, subject=email.subject, text=email.text, html=email.html)
        return str(message.extra_headers.get("message_id", ""))


def _of_amazon(error: ClientError) -> TemporaryDeliveryError | PermanentDeliveryError:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in TEMPORARY_AMAZON_CODES or status >= 500:
        return TemporaryDeliveryError(code)
    return PermanentDeliveryError(code)


def email_gateway() -> EmailGateway:
    """The gateway of EMAIL_URL."""
    return DjangoEmailGateway()
