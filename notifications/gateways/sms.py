"""SMS through the provider that SMS_URL names."""

from typing import Protocol

from django.conf import settings

from notifications.gateways import mailbox
from notifications.gateways.console import ConsoleSmsGateway
from notifications.gateways.file import FileSmsGateway
from notifications.gateways.sms_message import Sms


class SmsGateway(Protocol):
    """Sends one SMS and returns the provider's id of it, or ''. Calls `slots.acquire()` just before the provider.

    Raises TemporaryDeliveryError, PermanentDeliveryError or what `slots.acquire` raises; anything else is a bug.
    """

    def send(self, sms: Sms) -> str: ...


class MailboxSmsGateway:
    """Sends by another gateway, and saves a copy in the mailbox of a development machine."""

    def __init__(self, gateway: SmsGateway) -> None:
        self._gateway = gateway

    def send(self, sms: Sms) -> str:
        """Send, then save."""
        provider_id = self._gateway.send(sms)
        mailbox.save(channel="sms", to=[sms.to], subject="", text=sms.text)
        return provider_id


def sms_gateway() -> SmsGateway:
    """Return the gateway that SMS_URL names."""
    scheme, _, rest = settings.SMS_URL.partition("://")
    gateway: SmsGateway
    if scheme == "sns":
        from notifications.gateways.sns import SnsSmsGateway  # boto3: only for processes that send by it

        gateway = SnsSmsGateway()
    elif scheme == "file":
        gateway = FileSmsGateway(rest)
    else:
        gateway = ConsoleSmsGateway()
    return MailboxSmsGateway(gateway) if settings.DEBUG else gateway
