"""Slots limit how many senders of a dispatcher call the provider, and what is committed before."""

import threading
import time

import pytest
from django.db import connections

from notifications.gateways import slots
from notifications.models import Message
from notifications.services.compose.email import send_email
from notifications.services.delivery import outcomes
from notifications.services.delivery.attempt import Gateways
from notifications.services.delivery.dispatcher import Dispatcher
from notifications.services.delivery.priority_queue import Limits
from notifications.services.delivery.quota import PERMIT_LIFETIME
from notifications.states import Channel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def by_worker(settings, monkeypatch):
    """Nothing is sent by itself: a broker is named, and no worker is notified."""
    settings.CELERY_BROKER_URL = "memory://"
    monkeypatch.setattr("notifications.tasks.dispatch.apply_async", lambda *args, **kwargs: None)


class Provider:
    """Counts who speaks to it, and looks into the table while they do."""

    def __init__(self, refuse=0):
        self.refuse = refuse
        self.lock, self.now, self.most, self.writing, self.most_writing = threading.Lock(), 0, 0, 0, 0
        self.sent, self.not_noted, self.claimed = [], [], 0

    def count(self, name, by):
        with self.lock:
            setattr(self, name, getattr(self, name) + by)
            self.most, self.most_writing = max(self.most, self.now), max(self.most_writing, self.writing)

    def send(self, email):
        self.count("writing", 1)
        try:
            slots.acquire()
            self.count("now", 1)
            if self.refuse > 0:
                self.refuse -= 1
                self.count("now", -1)
                raise slots.PermitExpiredError
            row = Message.objects.get(to=list(email.to))
            if row.send_started_at is None or row.status != "sending":
                self.not_noted.append(row)
            handed_over = Message.objects.filter(send_started_at__isnull=False, status="sending").count()
            self.claimed = max(self.claimed, handed_over)
            time.sleep(0.01)
            self.sent.append(email.to)
            self.count("now", -1)
            return ""
        finally:
            self.count("writing", -1)
            connections.close_all()


def run_dispatcher(provider, many, senders):
    for number in range(many):
        send_email(to=[f"{number}@example.com"], subject="x", text="x")
    Dispatcher(Limits(Channel.EMAIL, senders=senders), gateways=Gateways(email=provider, sms=provider)).run()
    assert len(provider.sent) == many


def test_no_more_than_the_senders_call_the_provider_at_once():
    provider = Provider()
    run_dispatcher(provider, 30, senders=2)
    assert provider.most == 2
    assert provider.most_writing == 3


def test_a_message_is_marked_as_sending_before_it_is_sent():
    provider = Provider()
    run_dispatcher(provider, 30, senders=2)
    assert provider.not_noted == []
    assert provider.claimed <= 3


def test_uncommitted_sent_messages_never_exceed_the_senders(monkeypatch):
    provider, uncommitted, most, write = Provider(), 0, 0, outcomes.commit

    def written(collected, *args):
        nonlocal most
        most = max(most, len(provider.sent) - uncommitted + provider.now)
        done = write(collected, *args)
        count_committed(len(collected))
        return done

    def count_committed(many):
        nonlocal uncommitted
        uncommitted += many

    monkeypatch.setattr(outcomes, "commit", written)
    run_dispatcher(provider, 30, senders=4)
    assert most <= 4


def test_an_expired_permit_is_renewed_and_counts_no_attempt():
    provider = Provider(refuse=3)
    run_dispatcher(provider, 2, senders=2)
    for message in Message.objects.all():
        assert (message.status, message.attempts) == ("sent", 1)
        assert [event.type for event in message.events.all()] == ["sent"]


def test_a_released_slot_can_be_acquired():
    semaphore, began = slots.SlotSemaphore(1), []

    def come():
        with semaphore.slot():
            slots.acquire()
            began.append(True)

    with semaphore.slot() as acquired:
        slots.acquire()
        slots.acquire()  # it has its slot already
    other = threading.Thread(target=come)
    other.start()
    other.join(0.05)
    assert began == []
    acquired.release()
    other.join()
    assert began == [True]


def test_an_email_slower_to_build_than_a_permit_lasts_is_sent(settings):
    settings.EMAIL_MAX_PER_SECOND = 50
    times = []

    class Slow(Provider):
        def send(self, email):
            times.append(time.sleep(5 * PERMIT_LIFETIME))
            return super().send(email)

    run_dispatcher(Slow(), 1, senders=1)
    assert len(times) == 2  # the second permit lasts as long as it takes


def test_an_expired_permit_is_refused():
    with slots.SlotSemaphore(1).slot(until=time.monotonic() - 1), pytest.raises(slots.PermitExpiredError):
        slots.acquire()


def test_waiting_for_a_slot_of_a_failed_dispatcher_ends(monkeypatch):
    """Else the worker that ran it could not end."""
    monkeypatch.setattr("notifications.services.delivery.outcomes.commit", lambda *args: 1 / 0)
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        run_dispatcher(Provider(), 8, senders=2)
    for thread in threading.enumerate():
        if thread.name.startswith("sender") and "Thread-" not in thread.name:
            thread.join(10)
    assert threading.active_count() <= before


def test_acquiring_without_a_semaphore_does_not_wait():
    slots.acquire()
