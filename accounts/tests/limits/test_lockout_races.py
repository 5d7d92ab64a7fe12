"""Concurrent guesses, and right passwords that come too late. Real threads, each with its connection."""

from collections import Counter
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import SecurityEvent, Session, User
from accounts.services.account import password_reset
from accounts.services.limits import lockout
from accounts.services.one_time import tokens
from accounts.services.staff import changes as staff_changes
from accounts.services.staff.changes import UserChanges
from accounts.states import TokenPurpose
from accounts.tests.hashers import CountingHasher, SlowHasher
from conftest import PASSWORD
from foodfleet.core.http.clients import Client
from foodfleet.core.models import RateLimit
from foodfleet.tests import environment

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = "/api/v1/auth/login/"
MANY = 200
NOBODY = "nobody@example.com"


@pytest.fixture
def hashed(settings):
    """How many passwords were hashed or compared since the test began."""
    settings.PASSWORD_HASHERS = ["accounts.tests.hashers.CountingHasher"]
    return lambda: CountingHasher.calls


def guesses_at_once(email, count, password="Wrong-Guess-1!"):
    """Send guesses at once; return the responses without what differs between requests."""
    barrier, answers = Barrier(count), []

    def guess():
        client = APIClient(raise_request_exception=False)
        barrier.wait()
        try:
            answers.append(client.post(LOGIN, {"email": email, "password": password}))
        finally:
            connection.close()

    threads = [Thread(target=guess) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(_without_request_id(answer) for answer in answers)


def _without_request_id(answer):
    said = {name: value for name, value in answer.json().items() if name != "request_id"}
    said["details"] = list(said.get("details", ()))  # that there is a time, not which
    return answer.status_code, str(said), answer.headers.get("WWW-Authenticate"), tuple(sorted(answer.headers))


@pytest.mark.parametrize("counted_in", ["redis", "database"] if environment.ON_SERVICES else ["database"])
def test_of_two_hundred_concurrent_guesses_five_are_compared(make_user, hashed, settings, counted_in):
    if counted_in == "database":
        settings.REDIS_URL = ""
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "login": (10_000, 60)}  # counts, and lets all of them in
    settings.PASSWORD_HASHERS = ["accounts.tests.hashers.CountingHasher"]
    make_user("ann@example.com")
    answers, compared = {}, {}
    for email in ("ann@example.com", NOBODY):
        before = hashed()
        answers[email] = guesses_at_once(email, MANY)
        compared[email] = hashed() - before
    assert compared == {"ann@example.com": 5, NOBODY: 5}
    assert answers["ann@example.com"] == answers[NOBODY]
    assert sorted(answers[NOBODY].values()) == [5, MANY - 5]
    assert {status for status, *_ in answers[NOBODY]} == {401}


def test_a_right_password_among_concurrent_guesses_is_counted(user, hashed):
    answers = guesses_at_once(user.email, MANY, password=PASSWORD)
    # Each success forgets what was counted before it, so more than five get in; none is an error.
    assert {status for status, *_ in answers} <= {200, 401}
    assert answers.total() == MANY


def test_a_lock_by_concurrent_guesses_is_recorded_and_mailed_once(user, mailoutbox):
    guesses_at_once(user.email, 40)
    assert SecurityEvent.objects.filter(user=user, kind="sign_in_locked").count() == 1
    assert SecurityEvent.objects.filter(user=user, kind="sign_in_failed").count() == 40
    assert [message.to for message in mailoutbox] == [[user.email]]
    assert RateLimit.objects.get(key__startswith="attempts:login").count == lockout.ATTEMPTS


def reset(user):
    token = tokens.issue(user, TokenPurpose.RESET_PASSWORD)
    password_reset.reset(token=token, password="Another-Grill-2027!", client=Client())


def deactivate(user):
    staff_changes.update(pk=user.pk, changes=UserChanges(is_active=False), actor=None, client=Client())


def lock(user):
    lockout.lock(user=user, actor=None, client=Client())


def delete(user):
    User.objects.filter(pk=user.pk).update(is_active=False, deleted_at=timezone.now())


@pytest.mark.parametrize("shut", [lock, deactivate, reset, delete])
def test_a_password_compared_after_the_account_was_closed_is_refused(user, settings, shut):
    settings.PASSWORD_HASHERS = ["accounts.tests.hashers.SlowHasher"]
    SlowHasher.compared.clear()
    SlowHasher.let_go.clear()
    answers = []

    def sign_in():
        try:
            answers.append(APIClient().post(LOGIN, {"email": user.email, "password": PASSWORD}))
        finally:
            connection.close()

    late = Thread(target=sign_in)
    late.start()
    assert SlowHasher.compared.wait(30)
    settings.PASSWORD_HASHERS = ["accounts.services.passwords.hashers.bcrypt_sha256.BCryptHasher"]
    shut(user)
    SlowHasher.let_go.set()
    late.join()
    (answer,) = answers
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    assert not Session.objects.filter(ended_at__isnull=True).exists()
    failed = SecurityEvent.objects.get(kind="sign_in_failed")
    assert (failed.user, failed.ip, failed.details) == (user, "127.0.0.1", {"reason": "invalid_credentials"})
    assert failed.request_id == answer.json()["request_id"]


def test_two_sign_ins_at_once_after_the_rounds_changed_both_get_in(user, settings):
    settings.BCRYPT_ROUNDS = 7
    answers = guesses_at_once(user.email, 4, password=PASSWORD)
    assert {status for status, *_ in answers} == {200}
    user.refresh_from_db()
    assert "$07$" in user.password
