"""Sessions: listed, ended, revoked at once."""

from datetime import timedelta

import jwt
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import SecurityEvent, Session
from accounts.services.jwt import keyring
from accounts.services.limits import lockout
from accounts.services.sessions import sessions
from accounts.states import EndReason
from conftest import PASSWORD, bearer
from foodfleet.core.cache import coherent
from foodfleet.core.http.clients import Client

pytestmark = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True)

LOGOUT, LOGOUT_ALL = "/api/v1/auth/logout/", "/api/v1/auth/logout/all/"
SESSIONS = "/api/v1/auth/sessions/"


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
    keyring.signing_key()  # a process reads its keys from the database once in half a minute
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
