"""From a queued row to a sent message, or to a recorded reason."""

import threading
import time
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connections, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as hypothesis_settings

from notifications.exceptions import (
    TemporaryDeliveryError,
)
from notifications.models import Message, MessageEvent
from notifications.services.delivery.attempt import Gateways
from notifications.services.delivery.dispatcher import Dispatcher
from notifications.services.delivery.priority_queue import Limits
from notifications.states import Channel, Priority, Status
from notifications.tests.delivery.dispatching import Recorder, queue
from notifications.tests.delivery.dispatching import dispatch_recorded as dispatch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("by_worker")]


def test_a_message_is_sent_and_its_content_forgotten():
    message = queue()
    assert [email.text for email in dispatch().sent] == ["Hello Ann"]
    message.refresh_from_db()
    assert (message.status, message.payload, message.provider_message_id) == (Status.SENT, "", "id-1")
    assert [event.type for event in message.events.all()] == ["sent"]


def test_a_throttled_message_is_tried_again_later_each_time():
    message = queue()
    pauses = []
    for attempt in range(1, 4):
        dispatch(TemporaryDeliveryError("Amazon: Throttling"))
        message.refresh_from_db()
        assert (message.status, message.attempts) == (Status.QUEUED, attempt)
        pauses.append((message.due_at - timezone.now()).total_seconds())
        assert dispatch().sent == []
        Message.objects.update(due_at=timezone.now())
    assert all(2**n / 2 - 1 < pause <= 2**n for n, pause in enumerate(pauses, start=1))
    dispatch()
    message.refresh_from_db()
    assert message.status == Status.SENT


def test_a_message_that_fails_for_a_day_becomes_a_dead_letter():
    message = queue()
    Message.objects.update(give_up_at=timezone.now())
    dispatch(TemporaryDeliveryError("Amazon: InternalFailure"))
    assert list(Message.objects.dead_letters()) == [message]


def test_a_bug_in_a_gateway_fails_one_message_and_not_the_rest():
    queue(), queue()
    assert len(dispatch(RuntimeError("bug"), senders=1).sent) == 1
    assert Message.objects.get(status=Status.FAILED).last_error == "Internal error: RuntimeError."


def test_codes_go_before_what_was_queued_earlier():
    for priority in (Priority.BULK, Priority.TRANSACTIONAL, Priority.CODE):
        queue(priority=priority, to=[f"{priority.name.lower()}@example.com"])
    sent = [email.to[0] for email in dispatch(senders=1).sent]
    assert sent == ["code@example.com", "transactional@example.com", "bulk@example.com"]


def test_a_code_that_comes_while_bulk_is_sent_does_not_wait_for_it():
    for number in range(200):
        queue(priority=Priority.BULK, to=[f"{number}@example.com"])
    recorder = Recorder(seconds=0.01)
    running = threading.Thread(
        target=lambda: (
            Dispatcher(Limits(Channel.EMAIL, senders=2), gateways=Gateways(recorder, recorder)).run(),
            connections.close_all(),
        )
    )
    running.start()
    time.sleep(0.2)
    queue(priority=Priority.CODE, to=["code@example.com"])
    running.join()
    assert [email.to[0] for email in recorder.sent].index("code@example.com") < 150


def test_a_dispatcher_of_codes_sends_no_bulk():
    queue(priority=Priority.BULK)
    assert dispatch(lowest=Priority.TRANSACTIONAL).sent == []


def test_a_code_that_is_too_late_is_cancelled_and_never_sent():
    message = queue(lifetime=timedelta(minutes=5))
    Message.objects.update(expires_at=timezone.now())
    assert dispatch().sent == []
    message.refresh_from_db()
    assert (message.status, message.payload) == (Status.CANCELLED, "")


def test_several_dispatchers_send_each_message_once():
    for number in range(60):
        queue(to=[f"{number}@example.com"])
    recorder = Recorder(seconds=0.005)

    def run():
        Dispatcher(Limits(Channel.EMAIL, senders=3), gateways=Gateways(recorder, recorder)).run()
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(email.to[0] for email in recorder.sent) == sorted(f"{number}@example.com" for number in range(60))
    assert MessageEvent.objects.count() == 60


def test_a_dispatcher_releases_what_it_did_not_send():
    for _ in range(10):
        queue()
    dispatch(senders=2, seconds=0)
    assert set(Message.objects.values_list("status", "attempts")) == {("queued", 0)}


class _Failure(Exception):
    pass


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(
    steps=strategies.lists(strategies.tuples(strategies.booleans(), strategies.integers(0, 2)), max_size=5),
    fails=strategies.booleans(),
)
def test_an_event_queues_its_messages_only_if_it_commits(settings, steps, fails):
    """Steps queue messages inside savepoints that fail or hold; then the whole transaction fails or holds."""
    Message.objects.all().delete()
    settings.CELERY_BROKER_URL = ""
    mail.outbox = []
    expected = 0
    try:
        with transaction.atomic():
            for holds, count in steps:
                try:
                    with transaction.atomic():
                        for _ in range(count):
                            queue()
                        if not holds:
                            raise _Failure
                    expected += count
                except _Failure:
                    pass
            if fails:
                raise _Failure
    except _Failure:
        expected = 0
    assert Message.objects.count() == len(mail.outbox) == expected
    assert Message.objects.filter(status=Status.SENT).count() == expected
