"""Amazon SES, through django-ses."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.message import sanitize_address
from django_ses import SESBackend as DjangoSESBackend

from notifications.gateways import amazon


class SESBackend(DjangoSESBackend):
    """django-ses with one client a process, which raises errors.

    Without this class it makes a client for each e-mail, which takes a tenth of a second. The settings turn off its
    throttle, which works in each process separately: `notifications.services.delivery.quota` limits all together.
    """

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=False, use_ses_v2=settings.SES_API == "v2", **kwargs)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send e-mails. Raises TemporaryDeliveryError or PermanentDeliveryError."""
        try:
            return super().send_messages(email_messages) or 0
        except amazon.ERRORS as error:
            raise amazon.delivery_error(error) from error

    def open(self) -> bool:
        """Use the client of the process."""
        self.connection = _client()
        return True

    def _get_send_email_parameters(self, message: EmailMessage, source: str | None, email_feedback: Any) -> Any:
        """Encode names of senders and recipients: SES accepts only ASCII."""
        parameters = super()._get_send_email_parameters(message, source, email_feedback)
        sender, recipients = _in_ascii(source or message.from_email), [*map(_in_ascii, message.recipients())]
        if self._use_ses_v2:
            return {**parameters, "FromEmailAddress": sender, "Destination": {"ToAddresses": recipients}}
        return {**parameters, "Source": sender, "Destinations": recipients}


def _in_ascii(address: str) -> str:
    return address if address.isascii() else str(sanitize_address(address, "utf-8"))


def _client() -> Any:
    return amazon.client("sesv2" if settings.SES_API == "v2" else "ses")


def warm_up() -> None:
    """Make the client of the process before a permit is acquired: it takes a tenth of a second."""
    _client()


def max_per_second() -> float | None:
    """Return the account's rate in recipients a second from SES; None if it has no limit.

    Raises TemporaryDeliveryError or PermanentDeliveryError.
    """
    rate = float(send_quota()["MaxSendRate"])
    return rate if rate > 0 else None  # -1: unlimited


def send_quota() -> dict[str, float]:
    """Return the account's MaxSendRate, Max24HourSend and SentLast24Hours. Raises as `max_per_second` does."""
    try:
        quota: dict[str, float] = amazon.client("ses").get_send_quota()
    except amazon.ERRORS as error:
        raise amazon.delivery_error(error) from error
    return quota


def is_verified(sender: str) -> bool:
    """Return whether SES has verified the address, its domain or a parent domain. Raises as `max_per_second` does."""
    words = sender.rpartition("@")[2].split(".")
    identities = [sender, *(".".join(words[begin:]) for begin in range(len(words) - 1))]
    try:
        answer = amazon.client("ses").get_identity_verification_attributes(Identities=identities)
    except amazon.ERRORS as error:
        raise amazon.delivery_error(error) from error
    return any(found["VerificationStatus"] == "Success" for found in answer["VerificationAttributes"].values())
