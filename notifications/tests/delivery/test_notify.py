"""Workers get one task for all messages of a channel and priority."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications import tasks
from notifications.models import Message
from notifications.services.delivery import notify
from notifications.states import Channel, Priority
from notifications.tests.delivery.dispatching import mail

pytestmark = pytest.mark.django_db(transaction=True)
BULK, CODE = (Channel.EMAIL, Priority.BULK), (Channel.EMAIL, Priority.CODE)


@pytest.mark.usefixtures("by_worker")
def test_workers_are_notified_once_of_messages_due_soon(monkeypatch):
    calls = []
    monkeypatch.setattr(tasks.dispatch, "apply_async", lambda **call: calls.append(call["countdown"]))
    for number in range(3):
        mail(number)
    Message.objects.update(due_at=timezone.now() + timedelta(seconds=8))
    calls.clear()
    for _ in range(5):
        tasks.dispatch(int(Priority.TRANSACTIONAL), Channel.EMAIL)
    assert len(calls) <= 1  # none without Redis, where nobody knows of the others: the sweep calls


@pytest.mark.redis
def test_a_task_is_published_once_until_a_worker_looks():
    assert [notify.should_notify(*BULK) for _ in range(3)] == [True, False, False]
    assert notify.should_notify(*CODE)  # has a task of its own
    notify.clear(*BULK)
    assert [notify.should_notify(*queue) for queue in (BULK, CODE)] == [True, False]


@pytest.mark.redis
def test_a_later_task_is_scheduled_beside_one_that_waits_now():
    assert notify.should_notify(*BULK)
    assert [notify.should_notify_later(*BULK, pause=5) for _ in range(2)] == [True, False]
    assert [notify.should_sweep() for _ in range(2)] == [True, False]


def test_without_redis_every_message_notifies_and_nothing_is_scheduled(settings):
    settings.REDIS_URL = ""
    assert [notify.should_notify(*BULK) for _ in range(2)] == [True, True]
    assert [notify.should_sweep() for _ in range(2)] == [True, True]
    assert not notify.should_notify_later(*BULK, pause=5)
