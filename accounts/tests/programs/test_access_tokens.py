"""The token endpoint, as clients of OAuth call it, and the access tokens that it issues."""

from datetime import timedelta

import jwt
import pytest
from django.utils import timezone

from accounts.services.jwt import key_revocation
from accounts.tests.programs.conftest import FORM, GRANT, TOKEN, Caller, basic, form


@pytest.mark.django_db
def test_a_key_is_exchanged_for_a_short_access_token(api, account, new_key, roles_of_account):
    roles_of_account("users:read", "users:update")
    key = new_key(permissions=["users:read"])
    answer = form(api, TOKEN, {**GRANT, "client_id": key["prefix"], "client_secret": key["key"]})
    body = answer.json()
    assert (answer.status_code, body["token_type"], body["expires_in"]) == (200, "Bearer", 900)
    assert answer["Cache-Control"] == "no-store"
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["client_id"], claims["type"]) == (str(account), key["prefix"], "access")
    me = Caller(body["access_token"]).call("get", "/users/me/").json()
    assert (me["id"], me["permissions"]) == (account, ["users:read"])


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["json", "form", "basic", "account id", "secret alone"])
def test_client_credentials_are_accepted_in_every_documented_form(api, account, new_key, how):
    key = new_key()
    client_id, secret = key["prefix"], key["key"]
    if how == "json":
        answer = api.post(TOKEN, {**GRANT, "client_id": client_id, "client_secret": secret})
    elif how == "basic":
        answer = form(api, TOKEN, GRANT, basic(client_id, secret))
    else:
        client_id = str(account) if how == "account id" else client_id
        secret = secret.rpartition("_")[2] if how == "secret alone" else secret
        answer = form(api, TOKEN, {**GRANT, "client_id": client_id, "client_secret": secret})
    assert answer.status_code == 200, answer.content


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"scope": "users:read"}, 400, "invalid_scope"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_id": "000000000000"}, 401, "invalid_client"),
        ({"client_id": "ü", "client_secret": "ü"}, 401, "invalid_client"),
    ],
)
def test_errors_have_the_form_of_oauth_and_ours(api, new_key, change, status, code):
    key = new_key()
    answer = form(api, TOKEN, {**GRANT, "client_id": key["prefix"], "client_secret": key["key"], **change})
    body = answer.json()
    assert (answer.status_code, body["error"], body["code"]) == (status, code, code)
    assert set(body) == {"error", "code", "details", "request_id"}
    assert body["details"]
    assert body["request_id"] == answer["X-Request-ID"]


@pytest.mark.django_db
def test_wrong_basic_credentials_are_answered_with_a_basic_challenge(api, new_key):
    for headers in (basic(new_key()["prefix"], "wrong"), {"Authorization": "Basic !"}):
        answer = form(api, TOKEN, GRANT, headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.django_db
@pytest.mark.parametrize("body", ["grant_type=a&grant_type=b", "a=%ff", "ü=1", "&".join(f"a{n}=1" for n in range(200))])
def test_a_malformed_form_is_refused(api, body):
    answer = api.post(TOKEN, body, content_type=FORM)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.django_db
def test_the_key_of_a_person_is_no_client(api, settings, user, sign_in):
    settings.PERSONAL_API_KEYS = True
    key = Caller(sign_in()["access"]).call("post", "/users/me/keys/", {"name": "Laptop"}).json()
    answer = form(api, TOKEN, {**GRANT, "client_id": key["prefix"], "client_secret": key["key"]})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.django_db
def test_wrong_clients_are_limited_by_address(api, db, settings):
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "api_key": (2, 24 * 3600)}
    wrong = {**GRANT, "client_id": "a", "client_secret": "b"}
    assert [form(api, TOKEN, wrong).status_code for _ in range(4)] == [401, 401, 429, 429]


@pytest.mark.django_db
def test_an_access_token_ends_with_its_key(boss, account, new_key, exchange):
    key = new_key()
    program = Caller(exchange(key))
    assert program.call("get", "/users/me/").status_code == 200
    boss.call("delete", f"/service-accounts/{account}/keys/{key['id']}/")
    assert program.call("get", "/users/me/").status_code == 401


@pytest.mark.django_db
def test_an_access_token_lives_no_longer_than_its_key(api, new_key):
    key = new_key(expires_at=(timezone.now() + timedelta(minutes=5)).isoformat())
    answer = form(api, TOKEN, {**GRANT, "client_id": key["prefix"], "client_secret": key["key"]})
    assert 290 <= answer.json()["expires_in"] <= 300


@pytest.mark.django_db
def test_an_access_token_works_in_the_networks_of_its_key_only(new_key, exchange):
    token = exchange(new_key(allowed_networks=["127.0.0.1"]))
    assert Caller(token).call("get", "/users/me/").status_code == 200
    assert Caller(token, REMOTE_ADDR="192.0.2.1").call("get", "/users/me/").status_code == 403


@pytest.mark.django_db
def test_a_revoked_signing_key_ends_the_access_tokens_of_programs(new_key, exchange):
    program = Caller(exchange(new_key()))
    assert program.call("get", "/users/me/").status_code == 200
    key_revocation.revoke()
    assert program.call("get", "/users/me/").status_code == 401
