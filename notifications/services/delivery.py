"""Sending what was queued."""

from uuid import UUID

import structlog
from django.utils import timezone

from notifications.exceptions import DeliveryError
from notifications.gateways.email import Email, email_gateway
from notifications.gateways.sms import Sms, sms_gateway
from notifications.models import Message
from notifications.services import payloads
from notifications.states import Channel, Status

logger = structlog.get_logger(__name__)


def deliver(message_id: UUID) -> None:
    """Send one due message, unless somebody else has it already.

    The claim is committed before the network is asked, and the outcome after: nothing is sent inside a transaction.
    """
    if not Message.objects.claim(message_id, timezone.now()):
        return
    message = Message.objects.get(pk=message_id)
    try:
        provider_id = _send(message)
    except DeliveryError as error:
        Message.objects.move(message.pk, Status.FAILED, last_error=str(error)[:500])
        logger.warning("message_failed", message_id=str(message.pk), error=str(error))
        return
    Message.objects.move(
        message.pk,
        Status.SENT,
        provider_message_id=provider_id,
        sent_at=timezone.now(),
        payload="",  # it held a link that opens an account
    )
    logger.info("message_sent", message_id=str(message.pk), template=message.template, channel=message.channel)


def _send(message: Message) -> str:
    content = payloads.unseal(message.payload)
    if message.channel == Channel.SMS:
        return sms_gateway().send(Sms(to=message.to[0], **content))
    content.pop("reply_to")
    return email_gateway().send(Email(to=tuple(message.to), **content))
