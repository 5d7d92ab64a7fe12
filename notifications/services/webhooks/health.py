"""The health of endpoints: after a failure deliveries to an endpoint wait, and after days of failure it is disabled."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.models import ServiceAccount, User
from notifications.models import Message, WebhookDelivery, WebhookEndpoint
from notifications.services.audience.recipient_filter import FilterResult
from notifications.services.compose import outbox
from notifications.services.compose.variables import page_link
from notifications.services.delivery.attempt import Outcome, pause_after
from notifications.services.webhooks import endpoints, subscriptions
from notifications.states import DisabledReason, Status

logger = structlog.get_logger(__name__)

DISABLED_AFTER = timedelta(days=5)  # without a success
LONGEST_HOLD = timedelta(minutes=10)
GONE = 410


def apply(messages: Sequence[Message]) -> FilterResult:
    """Return the deliveries that may start. Those to endpoints that are paused or deleted are cancelled.

    After a failure the other deliveries to the endpoint wait, so that an endpoint without response does not delay
    others.
    """
    now = timezone.now()
    result = FilterResult([], [], {})
    found = WebhookDelivery.objects.filter(message__in=messages).select_related("endpoint")
    deliveries = {delivery.message_id: delivery for delivery in found}
    for message in messages:
        delivery = deliveries.get(message.pk)
        refused = _refused(message, delivery.endpoint if delivery else None, now)
        if refused is not None:
            result.refused.append(refused)
            continue
        message.webhook = delivery
        result.messages.append(message)
        result.excluded[message.pk] = frozenset()
    return result


def _refused(message: Message, endpoint: WebhookEndpoint | None, now: datetime) -> Outcome | None:
    if endpoint is None:
        return Outcome(message, Status.CANCELLED, error="The endpoint was deleted.")
    if not endpoint.is_active:
        return Outcome(message, Status.CANCELLED, error="The endpoint is paused.")
    if endpoint.retry_at is not None and endpoint.retry_at > now:
        error = message.last_error or "Waits, because the last delivery to the endpoint failed."
        return Outcome(message, Status.QUEUED, error=error, due_at=endpoint.retry_at, is_tried=False)
    return None


def record(outcomes: Sequence[Outcome], now: datetime) -> None:
    """Record success or failure for each endpoint. Call it in the transaction of the outcomes."""
    results: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        endpoint = outcome.message.webhook.endpoint if outcome.details else None  # without details nothing was posted
        if endpoint is not None:
            results.setdefault(endpoint.pk, []).append(outcome)
    for pk, of_endpoint in sorted(results.items()):
        if any(outcome.status == Status.SENT for outcome in of_endpoint):
            WebhookEndpoint.objects.filter(pk=pk).record_success()
        else:
            _record_failure(pk, of_endpoint, now)


def _record_failure(pk: int, outcomes: Sequence[Outcome], now: datetime) -> None:
    endpoint = WebhookEndpoint.objects.select_for_update().filter(pk=pk).first()
    if endpoint is None:
        return
    hold = min(pause_after(endpoint.failures + 1), LONGEST_HOLD)
    WebhookEndpoint.objects.filter(pk=pk).record_failure(now, now + hold)
    if any(outcome.details.get("status_code") == GONE for outcome in outcomes):
        _disable(endpoint, DisabledReason.GONE)
    elif endpoint.failing_since is not None and now - endpoint.failing_since >= DISABLED_AFTER:
        _disable(endpoint, DisabledReason.FAILING)


def _disable(endpoint: WebhookEndpoint, reason: DisabledReason) -> None:
    """Disable the endpoint and notify its owner, unless it is disabled already."""
    if not WebhookEndpoint.objects.active().filter(pk=endpoint.pk).update(is_active=False, disabled_reason=reason):
        return
    subscriptions.invalidate()
    endpoints.record(endpoint, "disabled", None, endpoints.NO_CLIENT, reason=reason.value)
    owner = _mailed_owner(endpoint.owner)
    if owner is not None:
        link = page_link("admin:notifications_webhookendpoint_change", str(endpoint.pk))
        variables = {"url": endpoint.url, "link": link, "first_name": owner.greeting_name}
        outbox.queue_email(template="webhook_disabled", user=owner, variables=variables)
    transaction.on_commit(
        lambda: logger.error(
            "webhook_disabled", endpoint_id=endpoint.pk, reason=reason.value, owner_id=owner.pk if owner else None
        ),
        robust=True,
    )


def _mailed_owner(owner: User | None) -> User | None:
    """Return the person to notify: for a service account its owner. None for an inactive user."""
    if owner is not None and owner.is_service_account:
        account = ServiceAccount.objects.filter(user=owner).select_related("owner").first()
        owner = account.owner if account else None
    return owner if owner is not None and owner.is_active else None
