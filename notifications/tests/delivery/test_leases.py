"""Dispatchers whose lease expired: messages that others claimed are left alone."""

import threading
import time

import pytest
from django.db import connections

from notifications.models import Message
from notifications.services.delivery.attempt import Gateways
from notifications.services.delivery.dispatcher import Dispatcher
from notifications.services.delivery.priority_queue import Limits
from notifications.services.operations import messages as operations
from notifications.services.operations import retention
from notifications.states import Channel, Guarantee
from notifications.tests.delivery.dispatching import FakeGateway, dispatch, expire_leases, mail

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 3  # of a dispatcher with two senders: so many messages may be handed over


@pytest.fixture(autouse=True)
def by_worker(settings, monkeypatch):
    settings.CELERY_BROKER_URL = "memory://"
    monkeypatch.setattr("notifications.tasks.dispatch.apply_async", lambda *args, **kwargs: None)


@pytest.mark.parametrize(("guarantee", "most"), [(Guarantee.AT_LEAST_ONCE, THREADS), (Guarantee.AT_MOST_ONCE, 0)])
def test_a_message_reclaimed_by_another_dispatcher_is_not_sent_twice(guarantee, most):
    for number in range(8):
        mail(number, guarantee=guarantee)
    other = FakeGateway()

    def then(number, content):
        if number == 0:
            expire_leases()
            dispatch(other, senders=1)
        else:
            time.sleep(0.3)

    first = FakeGateway(then)
    dispatch(first, senders=2)
    assert len({one.to for one in first.sent} & {one.to for one in other.sent}) <= most
    assert len({one.to for one in [*first.sent, *other.sent]}) == 8 or guarantee == Guarantee.AT_MOST_ONCE


def test_a_message_cancelled_during_a_dispatch_is_not_sent():
    for number in range(8):
        mail(number)

    def then(number, content):
        if number == 0:
            expire_leases()
            operations.cancel_all(messages=Message.objects.all(), by=None)
        else:
            time.sleep(0.3)

    first = FakeGateway(then)
    dispatch(first, senders=2)
    assert len(first.sent) <= 1 + THREADS
    assert set(Message.objects.values_list("status", flat=True)) <= {"cancelled", "sent"}


def test_a_user_deleted_during_a_dispatch_gets_no_more(user):
    for number in range(8):
        mail(number, user=user)

    def then(number, content):
        if number == 0:
            retention.erase_recipient(user)

    first = FakeGateway(then)
    dispatch(first, senders=1)
    assert len(first.sent) <= 2


@pytest.mark.parametrize("senders", [1, 2])
def test_a_dispatcher_that_reclaims_its_own_messages_ends(senders):
    for number in range(THREADS):
        mail(number)
    once = threading.Event()

    def then(number, content):
        if not once.is_set():
            once.set()
            time.sleep(0.2)
            expire_leases()
        time.sleep(0.3)

    ended, gateway = [], FakeGateway(then)

    def run():
        try:
            ended.append(dispatch(gateway, senders=senders, seconds=2))
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(60)
    assert ended


def test_no_slot_is_used_on_a_lease_that_may_have_expired(settings):
    """As after a pause of the whole process: nothing renewed the lease."""
    for number in range(4):
        mail(number)
    gateway = FakeGateway(lambda number, content: time.sleep(0.1))
    paused = Dispatcher(Limits(Channel.EMAIL, senders=1, seconds=1), gateways=Gateways(gateway, gateway))
    paused._set_lease_end = lambda now: setattr(paused._slots, "lease_ends", now - 1)
    paused._renew_at = time.monotonic() + 60
    paused.run()
    assert gateway.sent == []
    assert set(Message.objects.values_list("status", flat=True)) == {"queued"}
