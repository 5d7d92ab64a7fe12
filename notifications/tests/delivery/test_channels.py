"""E-mail, SMS and webhooks never wait for each other, and an SMS is marked as sending at the last moment."""

import threading
import time
from pathlib import Path

import pytest
from django.conf import settings as project
from django.core.management import call_command
from django.db import connections

from foodfleet import supervise
from notifications import tasks
from notifications.gateways import slots
from notifications.gateways.webhooks.posting import WebhookResult
from notifications.management.commands import deliver_due
from notifications.models import Message
from notifications.services.compose.policies import SMS_CODE, Policy
from notifications.services.compose.sms import send_sms
from notifications.services.compose.writing import MessageDraft
from notifications.services.delivery import dispatcher, in_process, quota
from notifications.services.delivery.attempt import Gateways
from notifications.services.delivery.dispatcher import Dispatcher
from notifications.services.delivery.priority_queue import Limits
from notifications.services.webhooks import deliveries, endpoints
from notifications.states import TO_PEOPLE, Channel, Priority
from notifications.tests.delivery.dispatching import FakeGateway, expire_leases, mail

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = {Channel.EMAIL: Channel.SMS, Channel.SMS: Channel.EMAIL, Channel.WEBHOOK: Channel.EMAIL}


@pytest.fixture(autouse=True)
def by_hand(settings, monkeypatch):
    """Nothing is sent by itself: a broker is named, and no worker is notified."""
    settings.CELERY_BROKER_URL = "memory://"
    monkeypatch.setattr(in_process, "TIMEOUT", 1.0)
    settings.SMS_LIMITS = {"all": None, "country": None, "number": None}
    monkeypatch.setattr("notifications.tasks.dispatch.apply_async", lambda *args, **kwargs: None)
    quota._known.clear()
    yield
    end_delivery_threads()
    quota._known.clear()


def text(number="+4915112345678", policy=SMS_CODE):
    return send_sms(to=number, text="Your code", draft=MessageDraft(policy=policy))


def queue(channel):
    if channel == Channel.WEBHOOK:
        new = endpoints.NewEndpoint(url="https://hooks.example.com/", events=["*"])
        return deliveries.send_test(endpoint_id=endpoints.create(new=new, by=None).endpoint.pk, by=None).message
    return mail() if channel == Channel.EMAIL else text()


class Hanging:
    """A provider that does not answer until something has been sent by the other channel, or ten seconds are over."""

    def __init__(self):
        self.release, self.was_released = threading.Event(), []

    def send(self, content):
        slots.acquire()
        self.was_released.append(self.release.wait(10))
        return ""

    def post(self, webhook):
        self.send(webhook)
        return WebhookResult(200, 0)


@pytest.fixture(params=Channel, ids=str)
def hanging(request, monkeypatch):
    """One channel whose provider hangs until the other channel has sent, and a message in each."""
    provider, channel = Hanging(), request.param
    other = FakeGateway(lambda number, content: provider.release.set())
    gateways = {channel: provider, OTHER[channel]: other}
    monkeypatch.setattr(dispatcher, "Gateways", lambda: Gateways(*(gateways.get(one) for one in Channel)))
    queue(channel)
    yield channel, provider, other
    provider.release.set()


def test_a_hanging_provider_delays_no_other_channel_in_deliver_due(hanging):
    channel, provider, _ = hanging
    queue(OTHER[channel])
    call_command("deliver_due")
    assert provider.was_released == [True]


def test_a_hanging_provider_delays_no_other_channel_in_the_loop(hanging, monkeypatch):
    channel, provider, _ = hanging
    watch = deliver_due.Watch(every=0.05)
    monkeypatch.setattr(deliver_due.PeriodicTasks, "run_due", lambda self, now: None)

    def queue_once_it_hangs():
        try:
            wait_until(Message.objects.filter(status="sending").exists)
            queue(OTHER[channel])
            wait_until(lambda: Message.objects.filter(status="sent").count() == 2)
        finally:
            watch._has_ended.set()
            monkeypatch.setattr(deliver_due.os, "getppid", object)
            connections.close_all()

    thread = threading.Thread(target=queue_once_it_hangs)
    thread.start()
    watch.run()
    thread.join()
    assert provider.was_released == [True]


def test_a_hanging_provider_delays_no_other_channel_after_a_response(hanging):
    channel, provider, other = hanging
    in_process.deliver({channel: [Message.objects.get().pk]})
    assert provider.was_released == []
    in_process.deliver({OTHER[channel]: [queue(OTHER[channel]).pk]})
    assert len(other.sent) == 1
    end_delivery_threads()
    assert provider.was_released == [True]
    assert Message.objects.filter(status="sent").count() == 2


def test_a_hanging_provider_occupies_the_threads_of_the_server_once(hanging, monkeypatch):
    """What is queued while a thread sees to the channel is sent by that thread."""
    channel, provider, _ = hanging
    in_process.deliver({channel: [Message.objects.get().pk]})
    monkeypatch.setattr(in_process, "TIMEOUT", 60.0)  # which is how long a second thread would be waited for
    for _ in range(5):
        in_process.deliver({channel: [queue(channel).pk]})
    assert provider.was_released == []
    provider.release.set()
    end_delivery_threads()
    assert Message.objects.filter(status="sent").count() == 6


@pytest.mark.parametrize("limited", TO_PEOPLE, ids=str)
def test_a_provider_with_a_low_rate_does_not_delay_the_other_channel(limited, settings, monkeypatch):
    settings.EMAIL_MAX_PER_SECOND, settings.SMS_MAX_PER_SECOND = (2, 100) if limited == Channel.EMAIL else (100, 2)
    arrived = []
    gateways = {one: FakeGateway(lambda *_, channel=one: arrived.append(channel)) for one in TO_PEOPLE}
    monkeypatch.setattr(dispatcher, "Gateways", lambda: Gateways(gateways[Channel.EMAIL], gateways[Channel.SMS]))
    for number in range(8):
        mail(str(number)) if limited == Channel.EMAIL else text(f"+4915112345{number:03}")
    queue(OTHER[limited])
    began = time.monotonic()
    call_command("deliver_due")
    assert arrived.count(OTHER[limited]) == 1
    assert arrived[-1] == limited
    assert time.monotonic() - began > 2


def test_sms_and_webhooks_have_their_own_queues_and_workers(monkeypatch):
    queues = []
    monkeypatch.setattr(tasks.dispatch, "apply_async", lambda **call: queues.append((call["args"], call["queue"])))
    tasks.notify_worker(Channel.SMS, Priority.CODE)
    tasks.notify_worker(Channel.EMAIL, Priority.CODE)
    tasks.notify_worker(Channel.WEBHOOK, Priority.TRANSACTIONAL)
    assert queues == [([0, "sms"], "sms"), ([0, "email"], "codes"), ([1, "webhook"], "webhooks")]
    compose = Path(project.BASE_DIR, "docker-compose.yml").read_text().splitlines()
    for workers in (
        [" ".join(part.command) for part in supervise.parts_of("worker", [])],
        [line for line in compose if "foodfleet worker" in line],
    ):
        serving = [line for line in workers if "--queues" not in line and "--exclude-queues sms,webhooks" not in line]
        assert not serving
        assert [sum(f"--queues {name} " in line for line in workers) for name in ("sms", "webhooks")] == [1, 1]


class Provider:
    """Record the row's state before and after a slot was acquired."""

    def __init__(self):
        self.recorded = []

    def send(self, content):
        try:
            self.record()
            slots.acquire()
            self.record()
            return "id"
        finally:
            connections.close_all()

    def record(self):
        self.recorded.append(Message.objects.get().send_started_at is not None)


def test_an_sms_is_marked_as_sending_at_the_last_moment():
    text()
    provider = Provider()
    Dispatcher(Limits(Channel.SMS, senders=1), gateways=Gateways(provider, provider)).run()
    assert provider.recorded == [False, True]
    assert Message.objects.get().status == "sent"


def test_an_sms_claimed_by_another_dispatcher_is_not_sent():
    text()
    sent = []

    class Provider:
        def send(self, content):
            expire_leases()
            connections.close_all()
            slots.acquire()
            sent.append(content)
            return "id"

    Dispatcher(Limits(Channel.SMS, senders=1, seconds=0.2), gateways=Gateways(Provider(), Provider())).run()
    assert sent == []
    assert Message.objects.get().status == "queued"


def test_no_sender_waits_forever_for_a_failed_dispatcher(monkeypatch, settings):
    settings.DELIVERY_LEASE_SECONDS = 1
    text(policy=Policy())
    monkeypatch.setattr("notifications.services.delivery.outcomes.commit", lambda *args: 1 / 0)
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        Dispatcher(Limits(Channel.SMS, senders=2), gateways=Gateways(Provider(), Provider())).run()
    wait_until(lambda: threading.active_count() <= before)


def end_delivery_threads():
    """Wait until they end: one that outlives its test looks for messages where there is no database for it."""
    for thread in threading.enumerate():
        if thread.name.startswith("delivery-"):
            thread.join(20)


def wait_until(condition, seconds=20):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)
