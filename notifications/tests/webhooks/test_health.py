"""Failures hold the deliveries of an endpoint back, and days of failure disable it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.models import Message, WebhookEndpoint
from notifications.services.webhooks import endpoints, health
from notifications.tests.webhooks.receiver import deliver, happen

pytestmark = pytest.mark.django_db


def test_a_failed_endpoint_holds_its_other_deliveries_back(receiver, subscribe, bob):
    receiver.answer = lambda handler: handler.send_status(500)
    subscribe("user.locked")
    happen(bob)
    deliver()
    other = happen(bob)
    deliver()
    other.refresh_from_db()
    assert (other.status, other.attempts, other.events.count()) == ("queued", 0, 0)
    assert other.due_at == WebhookEndpoint.objects.get().retry_at
    assert len(receiver.requests) == 1


def test_what_waits_for_a_deleted_endpoint_is_cancelled(receiver, subscribe, bob):
    made = subscribe("user.locked")
    message = happen(bob)
    endpoints.delete(pk=made.endpoint.pk, by=None)
    deliver()
    message.refresh_from_db()
    assert (message.status, message.last_error, receiver.requests) == ("cancelled", "The endpoint was deleted.", [])


def test_410_disables_the_endpoint_and_fails_the_delivery(receiver, subscribe, bob):
    receiver.answer = lambda handler: handler.send_status(410)
    subscribe("user.locked")
    message = happen(bob)
    deliver()
    message.refresh_from_db()
    endpoint = WebhookEndpoint.objects.get()
    assert (message.status, endpoint.is_active, endpoint.disabled_reason) == ("failed", False, "gone")


def test_days_of_failure_disable_the_endpoint_and_tell_its_owner(receiver, subscribe, bob, user):
    receiver.answer = lambda handler: handler.send_status(500)
    made = subscribe("user.locked")
    WebhookEndpoint.objects.update(owner=user)
    long_ago = timezone.now() - health.DISABLED_AFTER + timedelta(minutes=1)
    for failing_since, is_active in ((long_ago, True), (long_ago - timedelta(minutes=1), False)):
        WebhookEndpoint.objects.update(failing_since=failing_since, failures=9, retry_at=None)
        happen(bob)
        deliver()
        made.endpoint.refresh_from_db()
        assert made.endpoint.is_active is is_active
    assert made.endpoint.disabled_reason == "failing"
    notice = Message.objects.get(template="webhook_disabled")
    assert notice.to == [user.email]


def test_one_delivered_event_resets_the_failures_of_an_endpoint(receiver, subscribe, bob):
    made = subscribe("user.locked")
    long_ago = timezone.now() - 2 * health.DISABLED_AFTER
    WebhookEndpoint.objects.update(failing_since=long_ago, failures=9)
    happen(bob)
    deliver()
    made.endpoint.refresh_from_db()
    assert (made.endpoint.is_active, made.endpoint.failing_since, made.endpoint.failures) == (True, None, 0)
