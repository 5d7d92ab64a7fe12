"""The order of sending, what expires unsent, and what a crash costs."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from notifications.models import Message, Suppression
from notifications.services.compose.policies import SMS_CODE
from notifications.services.compose.sms import send_sms
from notifications.services.compose.writing import MessageDraft
from notifications.services.delivery import quota
from notifications.states import Channel, Kind, Priority, SuppressionReason
from notifications.tests.delivery.dispatching import FakeGateway, dispatch, expire_leases, mail

pytestmark = pytest.mark.django_db(transaction=True)
BULK = {"priority": Priority.BULK, "kind": Kind.MARKETING}


@pytest.fixture(autouse=True)
def by_worker(settings, monkeypatch):
    settings.CELERY_BROKER_URL = "memory://"
    settings.SMS_LIMITS = {"all": None, "country": None, "number": None}
    monkeypatch.setattr("notifications.tasks.dispatch.apply_async", lambda *args, **kwargs: None)
    quota._known.clear()
    yield
    quota._known.clear()


def test_a_transactional_email_does_not_wait_behind_bulk(settings):
    settings.EMAIL_MAX_PER_SECOND = 4
    for number in range(60):
        mail(number, **BULK)
    arrived, has_begun = [], threading.Event()

    def then(number, content):
        arrived.append(content.to)
        has_begun.set()

    def run():
        try:
            dispatch(FakeGateway(then), senders=5, seconds=5)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    assert has_begun.wait(20)
    before = len(arrived)
    mail("order", priority=Priority.TRANSACTIONAL)
    thread.join()
    assert ("order@example.com",) in arrived
    assert arrived.index(("order@example.com",)) - before < 15


def test_codes_waiting_for_a_permit_survive_their_sender(settings):
    settings.SMS_MAX_PER_SECOND = 5
    for number in range(100):
        send_sms(to=f"+4915112345{number:03}", text="code", draft=MessageDraft(policy=SMS_CODE))
    gateway = FakeGateway()

    def run():
        try:
            dispatch(gateway, Channel.SMS, lowest=Priority.CODE, senders=5, seconds=2)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(1.5)
    assert expire_leases().failed <= 5 + 6  # those that wait for a permit and those on their way, as after a SIGKILL
    thread.join()


def test_no_code_is_sent_after_its_life():
    for number in range(4):
        mail(number, priority=Priority.CODE, lifetime=timedelta(minutes=5))
    ends_at = timezone.now() + timedelta(seconds=1)
    Message.objects.update(expires_at=ends_at)
    began = []

    def then(number, content):
        began.append(timezone.now())
        time.sleep(0.9)

    dispatch(FakeGateway(then), senders=1)
    assert len(began) <= 2
    assert set(Message.objects.values_list("status", flat=True)) <= {"sent", "cancelled"}
    assert Message.objects.filter(status="cancelled").count() == 4 - len(began)
    assert not Message.objects.exclude(payload="").exists()


def test_who_complains_gets_nothing_of_what_was_claimed_before(settings):
    settings.EMAIL_MAX_PER_SECOND = 1
    for number in range(6):
        mail(number, **BULK)

    def then(number, content):
        if number == 0:
            Suppression.objects.bulk_create(
                Suppression(channel="email", address=f"{other}@example.com", reason=SuppressionReason.COMPLAINT)
                for other in range(6)
            )

    gateway = FakeGateway(then)
    dispatch(gateway, senders=2)
    assert len(gateway.sent) <= 3  # those that were about to be sent
    assert Message.objects.filter(status="suppressed").count() == 6 - len(gateway.sent)
