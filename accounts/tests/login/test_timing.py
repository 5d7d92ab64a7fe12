"""Response times do not reveal accounts: what differs runs after the response."""

import re

import pytest
from django.core import mail
from structlog.testing import capture_logs

from accounts.models import SecurityEvent
from accounts.tests.hashers import CountingHasher
from accounts.tests.wsgi import Answer
from conftest import PASSWORD
from foodfleet.core.http import after_response

pytestmark = pytest.mark.django_db(transaction=True)

NOBODY = "nobody@example.com"
LOGIN, FORGOT, RESEND = "/api/v1/auth/login/", "/api/v1/auth/password/forgot/", "/api/v1/auth/email/resend/"
REGISTER = "/api/v1/auth/register/"


def shape(statement):
    """A statement without addresses and times."""
    return re.sub(r"'[^']*'|\b\d+\b|NULL", "?", statement)


@pytest.fixture
def waiting(make_user):
    return make_user("waiting@example.com", email_verified_at=None)


@pytest.mark.parametrize(
    ("path", "email", "more"),
    [
        (FORGOT, "ann@example.com", {}),
        (RESEND, "waiting@example.com", {}),
        (REGISTER, "new@example.com", {"password": PASSWORD}),
        (REGISTER, "ann@example.com", {"password": PASSWORD}),
        (REGISTER, "waiting@example.com", {"password": PASSWORD}),
    ],
)
def test_a_mail_is_sent_once_the_answer_was_given(user, waiting, path, email, more):
    answer = Answer(path, {"email": email, **more})
    assert answer.status == 202
    assert mail.outbox == []
    answer.close()
    assert [message.to for message in mail.outbox] == [[email]]


def test_word_of_a_lock_is_sent_once_the_answer_was_given(user):
    for _ in range(4):
        Answer(LOGIN, {"email": user.email, "password": "Wrong-Guess-1!"}).close()
    answer = Answer(LOGIN, {"email": user.email, "password": "Wrong-Guess-1!"})
    assert not SecurityEvent.objects.filter(kind="sign_in_locked").exists()
    answer.close()
    assert SecurityEvent.objects.filter(kind="sign_in_locked").count() == 1
    assert [message.to for message in mail.outbox] == [[user.email]]


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize(
    ("path", "email", "more"),
    [
        (FORGOT, "ann@example.com", {}),
        (RESEND, "waiting@example.com", {}),
        (RESEND, "ann@example.com", {}),
        (LOGIN, "ann@example.com", {"password": "Wrong-Guess-1!"}),
        (LOGIN, "waiting@example.com", {"password": "Wrong-Guess-1!"}),
    ],
)
def test_until_the_response_queries_do_not_depend_on_the_account(user, waiting, settings, path, email, more, counted):
    if counted:
        settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "forgot": (1000, 24 * 3600)}
        Answer(path, {"email": "first@example.com", **more}).close()  # begins the count of this network
    for _ in range(6):
        ours, nobodys = (Answer(path, {"email": one, **more}).close() for one in (email, NOBODY))
        assert list(map(shape, ours.statements)) == list(map(shape, nobodys.statements))
        assert (ours.status, len(ours.body)) == (nobodys.status, len(nobodys.body))


def test_registration_costs_one_hash_whoever_has_the_address(user, waiting, settings):
    settings.PASSWORD_HASHERS = ["accounts.tests.hashers.CountingHasher"]
    costs = []
    for email in ("new@example.com", "ann@example.com", "waiting@example.com"):
        before = CountingHasher.calls
        Answer(REGISTER, {"email": email, "password": "Other-Kitchen-77?"}).close()
        costs.append(CountingHasher.calls - before)
    assert costs == [1, 1, 1]


def test_work_after_the_response_delays_nobody_and_logs_its_failure(user, settings):
    settings.EMAIL_BACKEND = "nowhere.Backend"
    done = []
    answer = Answer(FORGOT, {"email": user.email})
    after_response.run(lambda: done.append(1) or 1 / 0)
    after_response.run(lambda: done.append(2))
    assert done == []
    with capture_logs() as lines:
        answer.close()
    assert done == [1, 2]
    assert "after_response_failed" in [line["event"] for line in lines]


def test_outside_of_a_request_nothing_waits():
    done = []
    after_response.run(lambda: done.append(1))
    assert done == [1]
    with pytest.raises(ZeroDivisionError):
        after_response.run(lambda: 1 / 0)


def test_jobs_of_a_request_that_was_never_closed_run_after_the_next(user):
    Answer(FORGOT, {"email": user.email})  # such as one whose client went away
    assert mail.outbox == []
    Answer(LOGIN, {"email": NOBODY, "password": PASSWORD}).close()
    assert [message.to for message in mail.outbox] == [[user.email]]
