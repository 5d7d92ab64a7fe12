"""Refresh tokens: each is accepted once, and a second use ends the session."""

from datetime import timedelta
from threading import Barrier, Thread

import jwt
import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import RefreshToken, SecurityEvent, Session

pytestmark = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True)

REFRESH = "/api/v1/auth/refresh/"


def test_every_refresh_gives_another_pair_of_the_same_session(user, sign_in, refresh, me):
    first = sign_in()
    second = refresh(first["refresh"]).json()
    assert set(second) == {"access", "refresh", "token_type", "expires_in"}
    assert second["refresh"] != first["refresh"]
    claims = [jwt.decode(t, options={"verify_signature": False}) for t in (first["access"], second["access"])]
    assert claims[0]["sid"] == claims[1]["sid"]
    assert claims[0]["jti"] != claims[1]["jti"]
    assert me(second) == 200


def test_a_refresh_token_used_twice_ends_the_whole_session(user, sign_in, refresh, me):
    first = sign_in()
    second = refresh(first["refresh"]).json()
    again = refresh(first["refresh"])
    assert (again.status_code, again.json()["code"]) == (401, "invalid_token")
    assert me(first) == me(second) == 401
    assert refresh(second["refresh"]).status_code == 401
    event = SecurityEvent.objects.get(kind="token_reused")
    assert (event.user, event.session_id) == (user, Session.objects.get().pk)


def test_other_sessions_go_on_when_one_ends_for_reuse(user, sign_in, refresh, me):
    other, first = sign_in(), sign_in()
    refresh(first["refresh"])
    refresh(first["refresh"])
    assert me(other) == 200


def test_a_refresh_repeated_within_the_grace_returns_the_same_pair(user, sign_in, refresh, me, settings):
    settings.REFRESH_GRACE_SECONDS = 30
    first = sign_in()
    answers = [refresh(first["refresh"]).json() for _ in range(3)]
    assert answers[0] == {**answers[1], "expires_in": answers[0]["expires_in"]}
    assert answers[1]["refresh"] == answers[2]["refresh"]
    assert RefreshToken.objects.count() == 2  # no second branch
    assert me(answers[2]) == 200


def test_the_successor_ciphertext_decrypts_with_the_old_token_only(user, sign_in, refresh, settings):
    settings.REFRESH_GRACE_SECONDS = 30
    first = sign_in()
    second = refresh(first["refresh"]).json()
    ciphertext = RefreshToken.objects.exclude(successor_ciphertext="").get().successor_ciphertext
    assert second["refresh"] not in ciphertext


def test_after_the_grace_a_repeated_refresh_is_reuse(user, sign_in, refresh, me, settings):
    settings.REFRESH_GRACE_SECONDS = 30
    first = sign_in()
    second = refresh(first["refresh"]).json()
    RefreshToken.objects.filter(consumed_at__isnull=False).update(consumed_at=timezone.now() - timedelta(seconds=31))
    assert refresh(first["refresh"]).status_code == 401
    assert me(second) == 401


def test_a_repeated_refresh_is_reuse_once_its_successor_was_used(user, sign_in, refresh, me, settings):
    settings.REFRESH_GRACE_SECONDS = 30
    first = sign_in()
    second = refresh(first["refresh"]).json()
    third = refresh(second["refresh"]).json()
    assert refresh(first["refresh"]).status_code == 401
    assert me(third) == 401


def simultaneously(count, call):
    """Run `call` in `count` threads at once; what each returned."""
    barrier, results = Barrier(count), []

    def run(number):
        barrier.wait()
        try:
            results.append(call(number))
        finally:
            connection.close()

    threads = [Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@committing
def test_of_fifty_simultaneous_refreshes_of_one_token_at_most_one_succeeds(user, sign_in):
    token = sign_in()["refresh"]
    statuses = simultaneously(
        50, lambda _: APIClient(raise_request_exception=False).post(REFRESH, {"refresh": token}).status_code
    )
    assert sorted(set(statuses)) in ([401], [200, 401])
    assert statuses.count(200) <= 1
    assert RefreshToken.objects.count() <= 2


@committing
def test_fifty_simultaneous_refreshes_within_the_grace_get_one_successor(user, sign_in, settings):
    settings.REFRESH_GRACE_SECONDS = 30
    token = sign_in()["refresh"]
    answers = simultaneously(
        50, lambda _: APIClient(raise_request_exception=False).post(REFRESH, {"refresh": token}).json()
    )
    assert len({answer["refresh"] for answer in answers}) == 1
    assert RefreshToken.objects.count() == 2


def test_a_refresh_token_never_outlives_its_session(user, sign_in, refresh):
    pair = sign_in()
    end = timezone.now() + timedelta(days=2)
    Session.objects.update(expires_at=end)
    claims = jwt.decode(refresh(pair["refresh"]).json()["refresh"], options={"verify_signature": False})
    assert claims["exp"] <= end.timestamp()
