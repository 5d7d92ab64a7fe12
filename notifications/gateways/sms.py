"""Texts through what SMS_URL names."""

from typing import Protocol

from django.conf import settings

from notifications.gateways import mailbox
from notifications.gateways.console import ConsoleSmsGateway
from notifications.gateways.file import FileSmsGateway
from notifications.gateways.sns import SnsSmsGateway
from notifications.gateways.texts import Sms


class SmsGateway(Protocol):
    """Sends one text and returns the provider's id of it, or ''. Says `turns.begin()` just before it asks the network.

    Raises TemporaryDeliveryError, PermanentDeliveryError or what `turns.begin` raises; anything else is a bug.
    """

    def send(self, sms: Sms) -> str: ...


class KeepingSmsGateway:
    """Another gateway, and a copy of each text in the mailbox of a development machine."""

    def __init__(self, gateway: SmsGateway) -> None:
        self._gateway = gateway

    def send(self, sms: Sms) -> str:
        """Send, then keep."""
        provider_id = self._gateway.send(sms)
        mailbox.keep(channel="sms", to=[sms.to], subject="", text=sms.text)
        return provider_id


def sms_gateway() -> SmsGateway:
    """The gateway of SMS_URL."""
    scheme, _, rest = settings.SMS_URL.partition("://")
    gateway: SmsGateway
    if scheme == "sns":
        gateway = SnsSmsGateway()
    elif scheme == "file":
        gateway = FileSmsGateway(rest)
    else:
        gateway = ConsoleSmsGateway()
    return KeepingSmsGateway(gateway) if settings.DEBUG else gateway
