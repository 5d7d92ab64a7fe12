"""Writing message rows."""

import uuid
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from notifications.models import Message
from notifications.services.compose.email import send_email
from notifications.services.compose.policies import Policy
from notifications.services.compose.writing import MessageDraft
from notifications.states import Priority

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def calls(settings, monkeypatch):
    """The queues that a worker was called to."""
    settings.CELERY_BROKER_URL = "memory://"
    called = []
    monkeypatch.setattr("notifications.tasks.dispatch.apply_async", lambda queue, **kwargs: called.append(queue))
    monkeypatch.setattr("notifications.services.delivery.notify.should_notify", lambda channel, priority: True)
    return called


def send(priority=Priority.BULK):
    return send_email(
        to=["ann@example.com"], subject="x", text="x", draft=MessageDraft(policy=Policy(priority=priority))
    )


def test_message_outside_a_transaction_notifies_workers_at_once(calls):
    send(Priority.CODE)
    assert calls == ["codes"]


def test_workers_are_notified_once_a_queue_after_the_commit(calls):
    with transaction.atomic():
        send(), send(), send(Priority.TRANSACTIONAL)
        assert calls == []
    assert calls == ["transactional", "bulk"]


def test_every_field_of_a_message_is_stored(user):
    time = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    values = {"DateTimeField": time, "UUIDField": uuid.uuid4(), "JSONField": ['ä"'], "BooleanField": True}
    message = Message()
    for field in Message._meta.concrete_fields:
        kind = field.get_internal_type()
        known = user.pk if kind == "ForeignKey" else 7 if "Integer" in kind else kind[: field.max_length]
        setattr(message, field.attname, values.get(kind, known))
    message.status = "queued"
    message.save(force_insert=True)
    found = Message.objects.get(pk=message.pk)
    for field in Message._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(message, field.attname), field.name
    with pytest.raises(IntegrityError):
        message.save(force_insert=True)


def test_written_message_can_be_saved_again():
    message = send()
    message.subject = "y"
    message.save()
    assert [message.subject for message in Message.objects.all()] == ["y"]
