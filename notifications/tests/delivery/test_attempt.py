"""One attempt to send a message, and its outcome. No database is needed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.exceptions import (
    PerhapsSentError,
    PermanentDeliveryError,
    RecipientOptedOutError,
    TemporaryDeliveryError,
)
from notifications.gateways.slots import PermitExpiredError
from notifications.models import Message
from notifications.services.compose import writing
from notifications.services.delivery.attempt import LONGEST_PAUSE, Gateways, after_temporary, attempt, pause_after
from notifications.states import Channel, Guarantee, Status
from notifications.tests.delivery.dispatching import Recorder

pytestmark = pytest.mark.once
CONTENT = {
    "subject": "Hello", "text": "Hello Ann", "html": "", "reply_to": [], "from_email": "", "headers": {}, "files": [],
    "tags": {}, "configuration_set": "",
}  # fmt: skip


def queued(**fields):
    payload = writing.encrypt_content(CONTENT)
    values = {"channel": Channel.EMAIL, "to": ["ann@example.com"], "payload": payload, "attempts": 1, **fields}
    values.setdefault("give_up_at", timezone.now() + timedelta(hours=24))
    return Message(**values)


def tried(message, *errors, excluded=()):
    """The outcome, and what the gateway sent."""
    recorder = Recorder(*errors)
    return attempt(message, frozenset(excluded), Gateways(recorder, recorder, recorder)), recorder.sent


def test_a_sent_message_has_the_id_of_the_provider_and_automatic_headers():
    message = queued()
    outcome, (email,) = tried(message)
    assert (outcome.status, outcome.provider_id) == (Status.SENT, "id-1")
    assert email.headers["Auto-Submitted"] == "auto-generated"
    assert email.tags == {"message_id": str(message.pk)}


def test_excluded_recipients_get_no_copy():
    message = queued(to=["ann@example.com", "bob@example.com"], cc=["cid@example.com"], bcc=["dan@example.com"])
    _, (email,) = tried(message, excluded=["bob@example.com", "dan@example.com"])
    assert (email.to, email.cc, email.bcc) == (("ann@example.com",), ("cid@example.com",), ())


def test_an_expired_message_is_not_sent():
    outcome, sent = tried(queued(expires_at=timezone.now()))
    assert (outcome.status, sent) == (Status.CANCELLED, [])


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (PermanentDeliveryError("Illegal address"), Status.FAILED, "Illegal address"),
        (RecipientOptedOutError("STOP"), Status.SUPPRESSED, "STOP"),
        (TemporaryDeliveryError("Throttling"), Status.QUEUED, "Throttling"),
        (RuntimeError("a bug with a secret"), Status.FAILED, "Internal error: RuntimeError."),
    ],
)
def test_the_kind_of_an_error_decides_what_becomes_of_the_message(error, status, text):
    outcome, _ = tried(queued(), error)
    assert (outcome.status, outcome.error, outcome.is_uncertain) == (status, text, False)


@pytest.mark.parametrize(
    ("guarantee", "status"), [(Guarantee.AT_MOST_ONCE, Status.FAILED), (Guarantee.AT_LEAST_ONCE, Status.QUEUED)]
)
def test_after_a_lost_response_the_guarantee_decides(guarantee, status):
    outcome, _ = tried(queued(guarantee=guarantee), PerhapsSentError("timed out"))
    assert (outcome.status, outcome.is_uncertain) == (status, True)


def test_an_expired_permit_is_no_outcome():
    with pytest.raises(PermitExpiredError):
        tried(queued(), PermitExpiredError())


def test_links_and_codes_are_removed_from_stored_errors():
    outcome, _ = tried(queued(), PermanentDeliveryError("refused https://x.example/reset/abc with 123456"))
    assert "abc" not in outcome.error
    assert "123456" not in outcome.error


def test_a_message_is_given_up_at_its_time_and_not_queued_beyond_it():
    now = timezone.now()
    assert after_temporary(queued(give_up_at=now), "x", now).status == Status.FAILED
    last = after_temporary(queued(give_up_at=now + timedelta(seconds=5), attempts=9), "x", now)
    assert (last.status, last.due_at) == (Status.QUEUED, now + timedelta(seconds=5))
    late = after_temporary(queued(expires_at=now + timedelta(seconds=1), attempts=9), "x", now)
    assert (late.status, late.error) == (Status.CANCELLED, "Not sent before it expired. x")


def test_pauses_double_up_to_a_limit_and_are_shortened_at_random():
    for attempts, seconds in ((1, 2), (2, 4), (3, 8), (99, LONGEST_PAUSE.total_seconds())):
        pauses = {pause_after(attempts).total_seconds() for _ in range(20)}
        assert seconds / 2 <= min(pauses) < max(pauses) <= seconds
