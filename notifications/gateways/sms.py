"""Texts through what SMS_URL names."""

from dataclasses import dataclass
from typing import Protocol

from django.conf import settings

from notifications.gateways import mailbox


@dataclass(frozen=True)
class Sms:
    """A text, ready to be sent. max_price: in US dollars, '' for no limit of its own."""

    to: str
    text: str
    sender_id: str = ""
    type: str = "Transactional"
    max_price: str = ""


class SmsGateway(Protocol):
    """Sends one text and returns the provider's id of it, or ''.

    Raises TemporaryDeliveryError or PermanentDeliveryError; anything else is a bug.
    """

    def send(self, sms: Sms) -> str: ...


class ConsoleSmsGateway:
    """Prints the text, to be read by a person at a terminal."""

    def send(self, sms: Sms) -> str:
        """Print number and words."""
        print(f"\n---- Text to {sms.to}\n\n{sms.text}\n----\n", flush=True)  # noqa: T201  this gateway's purpose
        if settings.DEBUG:
            mailbox.keep(channel="sms", to=[sms.to], subject="", text=sms.text)
        return ""


def sms_gateway() -> SmsGateway:
    """The gateway of SMS_URL."""
    return ConsoleSmsGateway()
