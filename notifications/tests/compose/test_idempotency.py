"""Idempotency keys, and the digest that is stored for them."""

import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from notifications.exceptions import IdempotencyConflictException
from notifications.gateways import files
from notifications.models import Attachment, Message
from notifications.services.compose import writing
from notifications.services.compose.email import EmailExtras, NewAttachment, send_email
from notifications.services.compose.sms import queue_templated_sms
from notifications.services.compose.writing import MessageDraft

pytestmark = pytest.mark.django_db(transaction=True)


def send(user, text="x", key="key-1", **more):
    draft = MessageDraft(sender=user, idempotency_key=key)
    return send_email(to=["bob@example.com"], subject="Hello", text=text, draft=draft, **more)


def in_a_thread(call):
    """The same, and it leaves no connection behind."""

    def run(*arguments, **named):
        try:
            return call(*arguments, **named)
        finally:
            connections.close_all()

    return run


def wait_until_one_waits():
    until = time.monotonic() + 10
    here = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute(f"SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = {here}")
            if cursor.fetchone():
                return
            time.sleep(0.02)
    raise AssertionError("nobody waits for the key")


@pytest.mark.usefixtures("may_do_all")
def test_repeated_key_of_a_sender_creates_one_message(user):
    first = send(user)
    assert send(user) == first
    with pytest.raises(IdempotencyConflictException):
        send(user, "Other")
    assert Message.objects.count() == 1


@pytest.mark.usefixtures("may_do_all")
def test_stored_digest_does_not_allow_guessing_the_code(user):
    """A million codes are tried in seconds where the digest of one is known."""
    for draft in (MessageDraft(), MessageDraft(sender=user, idempotency_key="key-1")):
        message = queue_templated_sms(
            to="+4915112345678", template="2fa_code", variables={"code": "907928"}, draft=draft
        )
        twin = hashlib.sha256(json.dumps(["2fa_code", {"code": "907928"}], sort_keys=True).encode()).hexdigest()
        parts = [
            "sms",
            ["+4915112345678"],
            twin,
            {"text": "", "sender_id": "", "type": "Transactional", "max_price": ""},
        ]
        assert message.body_digest != hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        assert bool(message.body_digest) == bool(draft.idempotency_key)


@pytest.mark.once
def test_request_digest_depends_on_the_secret_key(user, settings):
    draft = MessageDraft(sender=user, idempotency_key="key-1")
    under_one = writing.digest_of(draft, "sms", "907928")
    settings.SECRET_KEY = "another"
    assert writing.digest_of(draft, "sms", "907928") != under_one


@pytest.mark.usefixtures("may_do_all")
def test_key_of_an_earlier_month_still_counts(user):
    first = send(user)
    Message.objects.filter(pk=first.pk).update(created_at=first.created_at - timedelta(days=40))
    assert send(user) == first
    with pytest.raises(IdempotencyConflictException):
        send(user, "Other")
    assert Message.objects.count() == 1


@pytest.mark.usefixtures("may_do_all")
def test_concurrent_requests_with_one_key_create_one_message(user):
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(in_a_thread(send), [user] * 6))
    assert [message.pk for message in made] == [Message.objects.get().pk] * 6


@pytest.mark.usefixtures("may_do_all", "by_worker")
def test_concurrent_requests_with_other_bodies_are_conflicts(user):
    def outcome(text):
        try:
            return send(user, text).pk
        except IdempotencyConflictException:
            return "conflict"

    texts = ["one", "two", "three"] * 3
    with ThreadPoolExecutor(len(texts)) as pool:
        outcomes = list(pool.map(in_a_thread(outcome), texts))
    message = Message.objects.get()
    written = writing.decrypt_content(message.payload)["text"]
    assert outcomes == [message.pk if text == written else "conflict" for text in texts]


@pytest.mark.postgres
@pytest.mark.usefixtures("may_do_all")
def test_requests_with_one_key_wait_for_each_other_alone(user):
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first = send(user)
            second_key = pool.submit(in_a_thread(send), user, key="key-2").result(timeout=10)
            again = pool.submit(in_a_thread(send), user)
            wait_until_one_waits()
        assert again.result(timeout=10) == first
    assert set(Message.objects.all()) == {first, second_key}


@pytest.mark.postgres
@pytest.mark.usefixtures("may_do_all")
def test_rollback_of_the_first_request_lets_the_second_write(user):
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            send(user, "First")
            second = pool.submit(in_a_thread(send), user, "Second")
            wait_until_one_waits()
            transaction.set_rollback(True)
        assert second.result(timeout=10) == Message.objects.get()


@pytest.mark.usefixtures("may_do_all", "by_worker")
def test_files_of_a_repeated_email_are_stored_once(user):
    extras = EmailExtras(attachments=[NewAttachment("a.txt", b"a")])
    first, second = (send(user, extras=extras) for _ in range(2))
    assert second == first
    assert files.names_in(Attachment.folder(timezone.now())) == {first.attachments.get().file.name}
