"""Deliveries to a real receiver: signatures, failures and replays."""

import threading
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.services.staff import users
from foodfleet.core.http.clients import Client
from notifications.gateways.webhooks import posting
from notifications.models import Message, WebhookDelivery, WebhookEndpoint
from notifications.services.delivery import sweep as delivery_sweep
from notifications.services.webhooks import deliveries, endpoints
from notifications.services.webhooks.endpoints import EndpointChanges
from notifications.states import Channel, Status
from notifications.tests.webhooks.receiver import Receiver, deliver, happen, make_due, newest

pytestmark = pytest.mark.django_db


def test_a_receiver_verifies_what_it_gets_by_the_library(receiver, subscribe, bob):
    made = subscribe("user.locked")
    happen(bob)
    deliver()
    (payload,) = receiver.verified(made.secret)
    assert payload["type"] == "user.locked"
    assert payload["data"]["user"] == {**payload["data"]["user"], "id": bob.pk, "is_locked": True}
    headers = receiver.requests[0][0]
    assert headers["webhook-id"] == str(newest().pk)
    assert headers["Content-Type"] == "application/json"


def test_a_webhook_commits_with_its_event_or_not_at_all(receiver, subscribe, bob):
    subscribe()
    with transaction.atomic():
        happen(bob)
        transaction.set_rollback(True)
    deliver()
    assert (Message.objects.count(), receiver.requests) == (0, [])


def test_a_failed_delivery_is_retried_with_the_same_content_and_id(receiver, subscribe, bob):
    made = subscribe("user.locked")
    receiver.answer = lambda handler: handler.send_status(500 if len(receiver.requests) == 1 else 204)
    message = happen(bob)
    deliver()
    message.refresh_from_db()
    assert (message.status, message.last_error) == ("queued", "The receiver answered 500.")
    assert message.due_at > timezone.now()
    make_due()
    deliver()
    (first, body), (second, same) = receiver.requests
    assert (body, first["webhook-id"]) == (same, second["webhook-id"])
    assert len(receiver.verified(made.secret)) == 2
    postponed, sent = message.events.all()
    assert (postponed.details["status_code"], sent.details["status_code"]) == (500, 204)
    assert (postponed.type, sent.type, sent.details["attempt"]) == ("postponed", "sent", 2)
    assert postponed.details["duration_ms"] >= 0


def test_deliveries_are_given_up_after_three_days(receiver, subscribe, bob):
    receiver.answer = lambda handler: handler.send_status(500)
    subscribe("user.locked")
    message = happen(bob)
    assert message.give_up_at - message.created_at == timedelta(days=3)
    Message.objects.update(give_up_at=timezone.now())
    deliver()
    message.refresh_from_db()
    assert (message.status, bool(message.payload)) == ("failed", True)


def test_a_redirect_is_not_followed(receiver, subscribe, bob):
    target = Receiver()
    receiver.answer = lambda handler: handler.send_status(307, Location=target.url)
    subscribe("user.locked")
    message = happen(bob)
    deliver()
    target.close()
    message.refresh_from_db()
    assert message.last_error == "The receiver answered 307; redirects are not followed."
    assert target.requests == []


def test_a_name_that_turns_private_later_is_not_reached(receiver, subscribe, bob, settings):
    subscribe("user.locked")
    settings.WEBHOOK_ALLOWED_NETS = []
    message = happen(bob)
    deliver()
    message.refresh_from_db()
    assert message.last_error == "The host has an address in a private network."
    assert receiver.requests == []


@pytest.mark.parametrize("drip", [False, True], ids=["silent", "byte by byte"])
def test_a_receiver_that_does_not_finish_is_left(receiver, subscribe, bob, monkeypatch, drip):
    monkeypatch.setattr(posting, "READ_SECONDS", 0.3)
    monkeypatch.setattr(posting, "TOTAL_SECONDS", 0.6)

    is_over = threading.Event()

    def answer(handler):
        for _ in range(300):
            if is_over.wait(0.1):
                return
            if drip:
                handler.wfile.write(b"H")

    receiver.answer = answer
    subscribe("user.locked")
    message = happen(bob)
    deliver()  # and the receiver has not answered yet
    is_over.set()
    message.refresh_from_db()
    assert message.last_error == "The receiver did not answer in time."


def test_during_the_overlap_both_secrets_sign(receiver, subscribe, bob):
    made = subscribe("user.locked")
    rotated = endpoints.rotate_secret(pk=made.endpoint.pk, by=None)
    happen(bob)
    deliver()
    assert len(receiver.verified(made.secret, rotated.secret)) == 2
    WebhookEndpoint.objects.update(previous_secret_until=timezone.now())
    happen(bob)
    deliver()
    assert len(receiver.requests[1][0]["webhook-signature"].split()) == 1
    receiver.requests.pop(0)
    assert receiver.verified(rotated.secret)


def test_a_killed_worker_loses_no_webhook(receiver, subscribe, bob):
    subscribe("user.locked")
    message = happen(bob)
    now = timezone.now()
    Message.objects.claim_due(channel=Channel.WEBHOOK, claim=message.pk, now=now, until=now, limit=1)
    Message.objects.start_sending([message], message.pk, now)
    assert delivery_sweep.sweep().requeued == 1
    deliver()
    message.refresh_from_db()
    assert (message.status, len(receiver.requests)) == ("sent", 1)


@pytest.mark.parametrize("status", ["sent", "failed", "cancelled", "queued"])
def test_replay_delivers_the_same_again_whatever_happened(receiver, subscribe, bob, status):
    subscribe("user.locked")
    message = happen(bob)
    Message.objects.update(status=status, due_at=timezone.now() + timedelta(hours=1), attempts=9)
    deliveries.replay(pk=message.pk, by=None)
    deliver()
    message.refresh_from_db()
    assert (message.status, receiver.requests[0][0]["webhook-id"]) == ("sent", str(message.pk))
    assert [event.type for event in message.events.all()] == ["retried", "sent"]


def test_a_paused_endpoint_gets_nothing_and_nothing_is_lost_silently(receiver, subscribe, bob):
    made = subscribe("user.locked")
    message = happen(bob)
    endpoints.change(pk=made.endpoint.pk, changes=EndpointChanges(is_active=False), by=None)
    happen(bob)
    deliver()
    message.refresh_from_db()
    assert (message.status, message.last_error) == ("cancelled", "The endpoint is paused.")
    assert [event.type for event in message.events.all()] == ["cancelled"]
    assert (WebhookDelivery.objects.count(), receiver.requests) == (1, [])
    endpoints.change(pk=made.endpoint.pk, changes=EndpointChanges(is_active=True), by=None)
    deliveries.replay(pk=message.pk, by=None)
    deliver()
    assert len(receiver.requests) == 1


def test_an_endpoint_outlives_its_owner(subscribe, bob):
    subscribe("user.deleted")
    WebhookEndpoint.objects.update(owner=bob)
    users.delete(pk=bob.pk, actor=None, client=Client())
    assert WebhookEndpoint.objects.get().owner is None


def test_deleting_a_user_removes_their_data_from_waiting_webhooks(receiver, subscribe, bob):
    subscribe()
    about_bob = happen(bob)
    users.delete(pk=bob.pk, actor=None, client=Client())
    about_bob.refresh_from_db()
    assert (about_bob.status, about_bob.payload) == (Status.CANCELLED, "")
    deliver()
    assert [payload["data"] for payload in receiver.payloads() if payload["type"] == "user.deleted"] == [
        {"user": {"id": bob.pk}}
    ]
    assert b"bob@" not in b"".join(body for _headers, body in receiver.requests)


def test_webhooks_are_no_messages_to_people(api, user, sign_in, subscribe, bob, may_do_all):
    subscribe("user.locked")
    message = happen(bob)
    headers = {"Authorization": f"Bearer {sign_in()['access']}"}
    assert api.get("/api/v1/notifications/", headers=headers).json()["results"] == []
    assert api.get(f"/api/v1/notifications/{message.pk}/", headers=headers).status_code == 404
