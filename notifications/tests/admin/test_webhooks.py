"""Webhook endpoints and deliveries in the admin."""

import re

import pytest
from django.utils import timezone

from accounts.models import SecurityEvent
from notifications.models import Message, WebhookEndpoint
from notifications.services.webhooks import deliveries, endpoints
from notifications.services.webhooks.endpoints import NewEndpoint
from notifications.tests.webhooks.receiver import deliver

pytestmark = pytest.mark.django_db
ENDPOINTS, DELIVERIES = "/admin/notifications/webhookendpoint/", "/admin/notifications/webhookdelivery/"


@pytest.fixture
def endpoint(receiver):
    return endpoints.create(new=NewEndpoint(url=receiver.url, events=["user.locked"]), by=None).endpoint


def secret_on(page):
    return re.search(r"whsec_[A-Za-z0-9+/=]+", page.content.decode())[0]


def run(boss, url, action, *rows, **more):
    data = {"action": action, "_selected_action": [row.pk for row in rows], "confirmed": "1", **more}
    return boss.post(url, data, follow=True)


def test_an_added_endpoint_shows_its_secret_once(boss):
    form = {"url": "https://hooks.example.com/in", "events": ["user.created"], "description": "CRM", "is_active": "on"}
    page = boss.post(f"{ENDPOINTS}add/", form)
    made = WebhookEndpoint.objects.get()
    assert secret_on(page) in endpoints.secrets_of(made, made.created_at)
    assert (made.events, made.owner.email) == (["user.created"], "boss@example.com")
    for path in ("", f"{made.pk}/change/"):
        page = boss.get(f"{ENDPOINTS}{path}")
        assert page.status_code == 200
        assert b"whsec_" not in page.content


def test_a_url_in_a_private_network_is_refused_at_its_field(boss):
    page = boss.post(f"{ENDPOINTS}add/", {"url": "http://127.0.0.1/", "events": ["*"], "is_active": "on"})
    assert page.context["adminform"].form.errors["url"] == ["This address is in a private network."]


def test_an_endpoint_is_paused_and_deleted(boss, endpoint):
    form = {"url": endpoint.url, "events": ["*"], "description": ""}
    assert boss.post(f"{ENDPOINTS}{endpoint.pk}/change/", form).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.is_active, endpoint.events) == (False, ["*"])
    boss.post(f"{ENDPOINTS}{endpoint.pk}/delete/", {"post": "yes"})
    assert not WebhookEndpoint.objects.exists()


def test_a_test_event_is_queued_and_its_delivery_shows_the_timeline(boss, endpoint):
    run(boss, ENDPOINTS, "test", endpoint)
    deliver()
    message = Message.objects.get(template="webhook.test")
    assert message.status == "sent"
    assert b"webhook.test" in boss.get(f"{DELIVERIES}?endpoint__id__exact={endpoint.pk}").content
    assert b"status code: <bdi>200</bdi>" in boss.get(f"{DELIVERIES}{message.pk}/change/").content
    assert b"webhook.test" not in boss.get("/admin/notifications/message/").content


def test_replacing_a_secret_shows_the_new_one(boss, endpoint):
    page = run(boss, ENDPOINTS, "rotate_secret", endpoint)
    endpoint.refresh_from_db()
    assert secret_on(page) == endpoints.secrets_of(endpoint, endpoint.created_at)[0]


def test_deliveries_are_replayed_to_active_endpoints(boss, endpoint, receiver):
    delivery = deliveries.send_test(endpoint_id=endpoint.pk, by=None)
    for is_active, requests in ((True, 2), (False, 2)):
        deliver()
        WebhookEndpoint.objects.update(is_active=is_active)
        run(boss, DELIVERIES, "replay", delivery)
        deliver()
        assert len(receiver.requests) == requests
    assert [event.type for event in Message.objects.get(pk=delivery.pk).events.all()] == ["sent", "retried", "sent"]


def test_an_error_of_the_service_is_shown_above_the_list(boss, endpoint):
    WebhookEndpoint.objects.update(is_active=False)
    page = run(boss, ENDPOINTS, "test", endpoint)
    assert "Nothing is delivered to an endpoint that is paused" in page.content.decode()


def test_the_page_of_an_endpoint_tells_its_state_and_tests_it(boss, endpoint):
    path = f"{ENDPOINTS}{endpoint.pk}/change/"
    assert "Active: events are delivered to it." in boss.get(path).content.decode()
    page = run(boss, ENDPOINTS, "test", endpoint, from_page="1")
    assert page.redirect_chain[-1][0] == path
    assert "webhook.test" in page.content.decode()
    WebhookEndpoint.objects.update(is_active=False, disabled_reason="gone")
    page = boss.get(path).content.decode()
    assert "Disabled by itself: The receiver answered 410 Gone." in page
    assert 'value="test"' not in page


def test_a_secret_is_replaced_only_after_a_confirmation(boss, endpoint):
    before = WebhookEndpoint.objects.get().secret
    data = {"action": "rotate_secret", "_selected_action": [endpoint.pk]}
    assert "for 24 hours" in boss.post(ENDPOINTS, data).content.decode()
    assert WebhookEndpoint.objects.get().secret == before


def test_a_delivery_is_replayed_from_its_page(boss, endpoint):
    delivery = deliveries.send_test(endpoint_id=endpoint.pk, by=None)
    deliver()
    path = f"{DELIVERIES}{delivery.pk}/change/"
    page = boss.get(path).content.decode()
    assert "Delivered: the receiver accepted it." in page
    assert f"webhook.test · {endpoint.url} · {timezone.now():%Y-%m-%d}" in page  # its title
    assert 'name="action" value="replay"' in page
    assert run(boss, DELIVERIES, "replay", delivery, from_page="1").redirect_chain[-1][0] == path
    WebhookEndpoint.objects.update(is_active=False)
    assert 'value="replay"' not in boss.get(path).content.decode()


def test_every_change_of_an_endpoint_is_a_security_event(boss, endpoint):
    form = {"url": f"{endpoint.url}?token=secret", "events": ["*"], "is_active": "on"}
    boss.post(f"{ENDPOINTS}{endpoint.pk}/change/", form)
    run(boss, ENDPOINTS, "rotate_secret", endpoint)
    boss.post(f"{ENDPOINTS}{endpoint.pk}/delete/", {"post": "yes"})
    events = SecurityEvent.objects.filter(kind="webhook_changed").order_by("pk")
    assert [event.details["change"] for event in events] == ["created", "updated", "secret_replaced", "deleted"]
    assert {event.actor.email if event.actor else None for event in events} == {None, "boss@example.com"}
    assert events[1].ip == "127.0.0.1"
    assert events[1].details["fields"] == ["events", "url"]
    assert "token" not in str(list(events.values_list("details", flat=True)))
