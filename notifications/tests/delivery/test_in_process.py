"""Without a broker the process that queued a message sends it."""

import threading
import time

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from notifications.models import Message
from notifications.services.compose import outbox
from notifications.services.delivery import in_process
from notifications.states import Status
from notifications.tests.delivery.dispatching import mail, queue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("by_worker")]


def test_without_a_broker_a_slow_mail_server_holds_nobody_up(settings, monkeypatch, user):
    settings.CELERY_BROKER_URL = ""
    monkeypatch.setattr("notifications.services.delivery.in_process.TIMEOUT", 0.2)
    settings.EMAIL_BACKEND = "notifications.tests.delivery.test_in_process.SlowBackend"
    SlowBackend.answers.clear()
    message = outbox.queue_email(template="welcome", user=user, variables={"link": "https://example.com/"})
    assert Message.objects.get(pk=message.pk).status != Status.SENT
    SlowBackend.answers.set()
    for _ in range(400):
        message.refresh_from_db()
        if message.status == Status.SENT:
            break
        time.sleep(0.05)
    assert message.status == Status.SENT


def test_without_a_broker_failures_are_retried_by_the_next_dispatch(settings, user):
    settings.CELERY_BROKER_URL = ""
    settings.EMAIL_BACKEND = "notifications.tests.delivery.test_in_process.BrokenBackend"
    outbox.queue_email(template="welcome", user=user, variables={"link": "https://example.com/"})
    queue()
    assert set(Message.objects.values_list("status", flat=True)) == {Status.QUEUED}
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    Message.objects.filter(template="welcome").update(due_at=timezone.now())
    queue()
    assert Message.objects.get(template="welcome").status == Status.SENT
    Message.objects.update(due_at=timezone.now())
    call_command("deliver_due")
    assert set(Message.objects.values_list("status", flat=True)) == {Status.SENT}


def test_a_delivery_that_crashes_fails_nothing_of_who_queued(settings, monkeypatch):
    settings.CELERY_BROKER_URL = ""

    def crash(messages):
        raise RuntimeError("a bug")

    monkeypatch.setattr(in_process, "deliver", crash)
    assert mail().pk
    with transaction.atomic():
        mail("bob")
    assert Message.objects.count() == 2


class SlowBackend:
    """A mail server that answers when the test says so."""

    answers = threading.Event()

    def __init__(self, **kwargs):
        pass

    def send_messages(self, messages):
        self.answers.wait(30)


class BrokenBackend(SlowBackend):
    """A mail server that is away."""

    def send_messages(self, messages):
        raise ConnectionRefusedError
