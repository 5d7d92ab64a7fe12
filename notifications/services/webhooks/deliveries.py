"""Deliveries of webhooks: look up, replay, and the test event."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from foodfleet.core.database import batches
from notifications import signals
from notifications.exceptions import (
    DeliveryNotFoundException,
    DeliveryNotReplayableException,
    WebhookPausedException,
)
from notifications.models import Message, WebhookDelivery, WebhookEndpoint
from notifications.models.webhooks import WebhookDeliveryQuerySet
from notifications.services.delivery import outcomes
from notifications.services.webhooks import endpoints, events
from notifications.states import TEST_EVENT, EventType, Status
from rbac.services import actors

logger = structlog.get_logger(__name__)


def of_endpoint(pk: int) -> WebhookDeliveryQuerySet:
    """Return the deliveries to an endpoint. Raises WebhookNotFoundException."""
    return WebhookDelivery.objects.filter(endpoint=endpoints.find(pk)).listed()


def find(pk: UUID) -> WebhookDelivery:
    """Return the delivery with this id. Raises DeliveryNotFoundException."""
    found = WebhookDelivery.objects.listed().filter(pk=pk).first()
    if found is None:
        raise DeliveryNotFoundException
    return found


def replay(*, pk: UUID, endpoint_id: int | None = None, by: User | None) -> WebhookDelivery:
    """Deliver an event again at once with the same content and webhook-id, also one that was delivered.

    endpoint_id: the endpoint to which it must belong; None for any. Raises DeliveryNotFoundException,
    WebhookPausedException, DeliveryNotReplayableException, and as `actors.lock_actor`.
    """
    with transaction.atomic():
        actors.lock_actor(by, "webhooks:update")
        delivery = find(pk)
        if endpoint_id is not None and delivery.endpoint_id != endpoint_id:
            raise DeliveryNotFoundException
        _end_hold(delivery.endpoint_id)
        now = timezone.now()
        if not Message.objects.requeue([delivery.message], due_at=now, give_up_at=now + events.TRIED_FOR):
            raise DeliveryNotReplayableException
        outcomes.record(delivery.message, EventType.RETRIED, by=by.pk if by else None)
        signals.message_queued.send(sender=Message, message=delivery.message)
    logger.info("webhook_replayed", message_id=str(pk), by=by.pk if by else None)
    return find(pk)


def replay_all(*, chosen: WebhookDeliveryQuerySet, by: User | None, on_batch: batches.Callback = batches.ignore) -> int:
    """Deliver again to active endpoints what still has content, at most batches.MOST. Returns how many.

    on_batch: called with the deliveries of each batch, in its transaction.
    """
    active = chosen.filter(endpoint__is_active=True).exclude(message__payload="")
    keys = list(active.order_by("pk").values_list("pk", flat=True)[: batches.MOST])
    return batches.for_each(keys, lambda batch: _replay_batch(batch, by, on_batch))


def _replay_batch(keys: Sequence[UUID], by: User | None, on_batch: batches.Callback) -> int:
    now = timezone.now()
    with transaction.atomic():
        actors.lock_actor(by, "webhooks:update")
        waiting = Message.objects.filter(pk__in=keys).exclude(status=Status.SENDING).order_by("pk")
        replayed = list(waiting.select_for_update().defer("payload"))
        count = Message.objects.requeue(replayed, due_at=now, give_up_at=now + events.TRIED_FOR)
        outcomes.record_all(replayed, EventType.RETRIED, by=by.pk if by else None)
        found = WebhookDelivery.objects.filter(pk__in=replayed).select_related("message", "endpoint")
        on_batch(list(found.defer("message__payload")))
        for message in replayed[:1]:  # the dispatcher finds the others
            signals.message_queued.send(sender=Message, message=message)
    logger.info("webhooks_replayed", count=count, by=by.pk if by else None)
    return count


def send_test(*, endpoint_id: int, by: User | None) -> WebhookDelivery:
    """Queue the event `webhook.test` to one endpoint.

    Raises WebhookNotFoundException, WebhookPausedException, and as `actors.lock_actor`.
    """
    endpoints.find(endpoint_id)
    with transaction.atomic():
        actors.lock_actor(by, "webhooks:update")
        _end_hold(endpoint_id)
        test = events.Occurrence(TEST_EVENT, {"endpoint": {"id": endpoint_id}})
        message = events.queue([test], [endpoint_id])[0]
    return find(message.pk)


def _end_hold(endpoint_id: int | None) -> None:
    """Let the next delivery to an active endpoint start at once. Raises WebhookPausedException."""
    if endpoint_id is None or not WebhookEndpoint.objects.active().filter(pk=endpoint_id).update(retry_at=None):
        raise WebhookPausedException
