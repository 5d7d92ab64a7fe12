"""Idempotency keys, and the digest that is stored for them."""

import hashlib
import json
import threading

import pytest
from django.db import connections

from notifications.exceptions import IdempotencyConflictException
from notifications.models import Message
from notifications.services.compose import writing
from notifications.services.compose.email import send_email
from notifications.services.compose.sms import queue_templated_sms
from notifications.services.compose.writing import MessageDraft

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("may_do_all")
def test_repeated_key_of_a_sender_creates_one_message(user):
    draft = MessageDraft(sender=user, idempotency_key="key-1")
    first = send_email(to=["bob@example.com"], subject="Hello", text="x", draft=draft)
    assert send_email(to=["bob@example.com"], subject="Hello", text="x", draft=draft) == first
    with pytest.raises(IdempotencyConflictException):
        send_email(to=["bob@example.com"], subject="Other", text="x", draft=draft)
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
def test_concurrent_requests_with_one_key_create_one_message(user):
    made = []

    def run():
        draft = MessageDraft(sender=user, idempotency_key="key-1")
        made.append(send_email(to=["bob@example.com"], subject="Hello", text="x", draft=draft).pk)
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(made) == 6
    assert len(set(made)) == 1
