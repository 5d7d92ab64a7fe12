"""Sessions: listed, ended, revoked at once, and their chains of refresh tokens."""

from datetime import timedelta
from threading import Barrier, Thread

import jwt
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import RefreshToken, SecurityEvent, Session
from accounts.services.limits import lockout
from accounts.services.sessions import sessions
from accounts.states import EndReason
from conftest import PASSWORD
from foodfleet.core.cache import coherent
from foodfleet.core.http.clients import Client

pytestmark = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True)

ME, REFRESH, LOGOUT = "/api/v1/users/me/", "/api/v1/auth/refresh/", "/api/v1/auth/logout/"
SESSIONS, LOGOUT_ALL = "/api/v1/auth/sessions/", "/api/v1/auth/logout/all/"


def bearer(pair):
    return {"Authorization": f"Bearer {pair['access']}"}


@pytest.fixture
def refresh(api):
    return lambda token: api.post(REFRESH, {"refresh": token})


@pytest.fixture
def me(api):
    return lambda pair: api.get(ME, headers=bearer(pair)).status_code


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


def test_logout_ends_the_session_and_may_be_repeated(user, sign_in, api, me):
    pair = sign_in()
    for _ in range(2):
        assert api.post(LOGOUT, {"refresh": pair["refresh"]}).status_code == 204
    assert me(pair) == 401
    assert api.post(LOGOUT, {"refresh": "no-token"}).json()["code"] == "invalid_token"
    assert SecurityEvent.objects.filter(kind="signed_out").count() == 1


@committing
def test_logout_all_ends_every_session_of_the_caller_alone(user, make_user, sign_in, api, me):
    make_user("bob@example.com")
    bob, pairs = sign_in("bob@example.com"), [sign_in() for _ in range(3)]
    assert api.post(LOGOUT_ALL, headers=bearer(pairs[0])).status_code == 204
    assert [me(pair) for pair in pairs] == [401, 401, 401]
    assert me(bob) == 200


def test_one_sees_ones_sessions_in_words_and_ends_one(user, make_user, sign_in, api, me):
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    login = {"email": user.email, "password": PASSWORD, "device_name": "Till 3"}
    other = api.post("/api/v1/auth/login/", login, headers={"user-agent": firefox}).json()
    mine = sign_in()
    listed = api.get(SESSIONS, headers=bearer(mine)).json()["results"]
    assert [set(entry) for entry in listed] == [
        {"id", "device_name", "ip", "user_agent", "created_at", "last_used_at", "current"}
    ] * 2
    (till,) = [entry for entry in listed if not entry["current"]]
    assert (till["device_name"], till["user_agent"], till["ip"]) == ("Till 3", "Firefox 140 on Linux", "127.0.0.1")
    assert till["created_at"].endswith("Z")
    make_user("bob@example.com")
    bob = sign_in("bob@example.com")
    assert api.delete(f"{SESSIONS}{till['id']}/", headers=bearer(bob)).status_code == 404
    assert api.delete(f"{SESSIONS}{till['id']}/", headers=bearer(mine)).status_code == 204
    assert (me(other), me(mine)) == (401, 200)
    assert len(api.get(SESSIONS, headers=bearer(mine)).json()["results"]) == 1


def test_a_session_has_an_absolute_end(user, sign_in, refresh, me):
    pair = sign_in()
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refresh(pair["refresh"]).status_code == 401
    assert me(pair) == 401


def test_a_refresh_token_never_outlives_its_session(user, sign_in, refresh):
    pair = sign_in()
    end = timezone.now() + timedelta(days=2)
    Session.objects.update(expires_at=end)
    claims = jwt.decode(refresh(pair["refresh"]).json()["refresh"], options={"verify_signature": False})
    assert claims["exp"] <= end.timestamp()


@committing
@pytest.mark.parametrize("change", [{"is_active": False}, {"locked_at": timezone.now()}])
def test_a_deactivated_or_locked_user_is_refused_at_the_next_request(user, sign_in, refresh, me, change):
    pair = sign_in()
    assert me(pair) == 200
    for field, value in change.items():
        setattr(user, field, value)
    user.save()
    assert me(pair) == 401
    assert refresh(pair["refresh"]).status_code == 401


@committing
def test_a_queryset_update_applies_at_the_next_request(user, sign_in, me):
    pair = sign_in()
    assert me(pair) == 200
    type(user).objects.filter(pk=user.pk).update(is_active=False)
    assert me(pair) == 401


@committing
def test_a_deleted_user_is_refused(user, sign_in, refresh, me):
    pair = sign_in()
    assert me(pair) == 200
    user.delete()
    assert me(pair) == 401
    assert refresh(pair["refresh"]).status_code == 401


@committing
def test_last_used_is_exact_to_five_minutes_without_a_write_per_request(user, sign_in, me):
    pair = sign_in()
    me(pair)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        me(pair)
    assert not [q for q in queries if "accounts_session" in q["sql"] and q["sql"].startswith("UPDATE")]
    Session.objects.update(last_used_at=timezone.now() - timedelta(seconds=151))
    coherent.clear()  # what the cache keeps ends after 150 s
    me(pair)
    assert Session.objects.get().last_used_at > timezone.now() - timedelta(seconds=10)


@committing
def test_the_owner_is_notified_once_of_a_new_device(user, sign_in, mailoutbox):
    sign_in()
    assert mailoutbox == []  # the very first sign-in
    for _ in range(2):
        APIClient().post(
            "/api/v1/auth/login/", {"email": user.email, "password": PASSWORD}, headers={"user-agent": "Tablet/2.0"}
        )
    (message,) = mailoutbox
    assert "/account/not-me/" in message.body
    assert "Tablet" in message.body


@committing
def test_refresh_takes_three_statements(user, sign_in, refresh):
    pair = sign_in()
    with CaptureQueriesContext(connection) as queries:
        assert refresh(pair["refresh"]).status_code == 200
    statements = [q["sql"] for q in queries if q["sql"].split()[0] not in {"BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"}]
    assert len(statements) == 3, statements


@committing
def test_sign_in_takes_ten_statements_at_most(user, sign_in):
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            sign_in()
        statements = [q["sql"] for q in queries if q["sql"].split()[0] not in {"BEGIN", "COMMIT"}]
        assert len(statements) <= 10, statements


def test_one_sees_what_happened_to_ones_account(user, make_user, sign_in, api):
    make_user("bob@example.com")
    sign_in("bob@example.com")
    api.post("/api/v1/auth/login/", {"email": user.email, "password": "Wrong-Guess-1!"})
    pair = sign_in()
    lockout.unlock(user=user, actor=None, client=Client())
    listed = api.get("/api/v1/users/me/events/", headers=bearer(pair)).json()
    assert [event["kind"] for event in listed["results"]] == ["unlocked", "signed_in", "sign_in_failed"]
    assert set(listed) == {"next", "previous", "results"}
    assert listed["results"][1]["session_id"] == str(Session.objects.of(user).get().pk)
    assert len(listed["results"][1]["request_id"]) >= 8


def test_ending_all_but_one_keeps_that_one(user, sign_in, me):
    first, second = sign_in(), sign_in()
    keep = jwt.decode(second["access"], options={"verify_signature": False})["sid"]
    sessions.end_all(user, reason=EndReason.PASSWORD_CHANGED, keep=keep)
    assert (me(first), me(second)) == (401, 200)


def test_a_refused_token_of_a_session_says_nothing_about_links(api):
    answers = [
        api.get("/api/v1/users/me/", headers={"Authorization": "Bearer no-token"}),
        api.get("/api/v1/users/me/", headers={"Authorization": "Bearer n\u00f6"}),
        api.post("/api/v1/auth/refresh/", {"refresh": "no-token"}),
        api.post(LOGOUT, {"refresh": "no-token"}),
    ]
    said = {(answer.status_code, answer.json()["code"], answer.json()["error"]) for answer in answers}
    assert said == {(401, "invalid_token", "Your session has ended or the token is invalid. Sign in again.")}
