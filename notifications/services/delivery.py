"""Sending what was queued."""

from uuid import UUID

import structlog
from django.utils import timezone

from foodfleet.core import crypto
from notifications.exceptions import DeliveryError
from notifications.gateways.email import Email, EmailGateway, email_gateway
from notifications.models import Message
from notifications.services.outbox import PURPOSE
from notifications.services.rendering import render_email
from notifications.states import Status

logger = structlog.get_logger(__name__)


def deliver(message_id: UUID, *, gateway: EmailGateway | None = None) -> None:
    """Send one due message, unless somebody else has it already.

    The claim is committed before the network is asked, and the outcome after: nothing is sent inside a transaction.
    """
    if not Message.objects.claim(message_id, timezone.now()):
        return
    message = Message.objects.get(pk=message_id)
    variables = crypto.decrypt_json(message.payload, purpose=PURPOSE)
    content = render_email(message.template, variables, message.language)
    email = Email(to=tuple(message.to), subject=content.subject, text=content.text, html=content.html)
    try:
        provider_id = (gateway or email_gateway()).send(email)
    except DeliveryError as error:
        Message.objects.move(message.pk, Status.FAILED, last_error=str(error)[:500])
        logger.warning("message_failed", message_id=str(message.pk), error=str(error))
        return
    Message.objects.move(
        message.pk,
        Status.SENT,
        subject=content.subject[:255],
        provider_message_id=provider_id,
        sent_at=timezone.now(),
        payload="",  # it held a link that opens an account
    )
    logger.info("message_sent", message_id=str(message.pk), template=message.template, channel=message.channel)
