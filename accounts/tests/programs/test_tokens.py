"""The token endpoint, introspection and revocation, as OAuth's clients call them."""

import base64
from datetime import timedelta
from threading import Thread
from urllib.parse import urlencode
from wsgiref.simple_server import WSGIRequestHandler, make_server

import jwt
import pytest
import requests
from django.utils import timezone

from accounts.models import ApiKey, RevokedToken, Session, User
from accounts.services.jwt import key_revocation
from accounts.services.purge import purge_expired
from accounts.tests.programs.conftest import Caller
from conftest import PASSWORD

TOKEN, INTROSPECT, REVOKE = (f"/api/v1/auth/token/{path}" for path in ("", "introspect/", "revoke/"))
FORM = "application/x-www-form-urlencoded"
GRANT = {"grant_type": "client_credentials"}


def basic(client_id, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def form(api, path, parameters, headers=None):
    return api.post(path, urlencode(parameters), content_type=FORM, headers=headers)


@pytest.fixture
def exchange(api):
    """Exchange a key for an access token."""

    def call(key):
        answer = form(api, TOKEN, {**GRANT, "client_id": key["prefix"], "client_secret": key["key"]})
        assert answer.status_code == 200, answer.content
        return answer.json()["access_token"]

    return call


@pytest.fixture
def ask(api, new_key, roles_of_account):
    """Introspect a token as another service, by HTTP Basic authentication."""
    roles_of_account("tokens:introspect")
    key = new_key(name="Gateway")

    def call(token, **parameters):
        headers = basic(key["prefix"], key["key"])
        answer = form(api, INTROSPECT, {"token": token, **parameters}, headers)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return call


# -- The token endpoint
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
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "api_key": (2, 60)}
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


# -- Introspection
@pytest.mark.django_db
def test_introspection_tells_whose_an_access_token_is(ask, user, sign_in, allow):
    allow(user, "users:read")
    pair = sign_in()
    said = ask(pair["access"], token_type_hint="access_token")
    claims = jwt.decode(pair["access"], options={"verify_signature": False})
    assert said.pop("scope") == "users:read"
    names = ("sub", "exp", "iat", "iss", "aud", "jti", "sid")
    assert said == {
        "active": True, "token_type": "Bearer", "username": user.email, **{name: claims[name] for name in names},
    }  # fmt: skip


@pytest.mark.django_db
def test_introspection_tells_of_a_key_and_its_access_token(ask, account, new_key, exchange):
    key = new_key(allowed_networks=["127.0.0.1"], permissions=["tokens:introspect"])
    for token in (key["key"], exchange(key)):
        said = ask(token)
        assert (said["active"], said["sub"], said["client_id"]) == (True, str(account), key["prefix"])
        assert (said["username"], said["scope"]) == ("Payroll", "tokens:introspect")
        assert said["allowed_networks"] == ["127.0.0.1/32"]


@pytest.mark.django_db
def test_a_refresh_token_is_active_until_it_is_used(ask, api, user, sign_in):
    refresh = sign_in()["refresh"]
    said = ask(refresh)
    assert (said["active"], said["token_type"], "scope" in said) == (True, "refresh_token", False)
    assert api.post("/api/v1/auth/refresh/", {"refresh": refresh}).status_code == 200
    assert ask(refresh) == {"active": False}


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["unknown", "a.b.c", "ffk_unknown", "ffk_000000000000_" + "a" * 43, "ü"])
def test_an_unknown_token_is_inactive(ask, token):
    assert ask(token) == {"active": False}


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"is_active": False}, {"must_change_password": True}])
def test_a_token_that_we_would_refuse_is_inactive(ask, user, sign_in, change):
    pair = sign_in()
    assert ask(pair["access"])["active"]
    User.objects.filter(pk=user.pk).update(**change)
    assert ask(pair["access"]) == {"active": False}


@pytest.mark.django_db
def test_introspection_needs_credentials_and_the_permission(api, user, sign_in, new_key):
    assert form(api, INTROSPECT, {"token": "a"}).status_code == 401
    person = {"Authorization": f"Bearer {sign_in()['access']}"}
    assert form(api, INTROSPECT, {"token": "a"}, person).status_code == 403
    assert form(api, INTROSPECT, {"token": "a"}, basic("a", "b")).status_code == 401
    own = new_key()
    for answer in (
        form(api, INTROSPECT, {"token": "a"}, basic(own["prefix"], own["key"])),
        form(api, INTROSPECT, {"token": "a", "client_id": own["prefix"], "client_secret": own["key"]}),
    ):
        assert (answer.status_code, answer.json()["details"]) == (403, {"missing": ["tokens:introspect"]})


# -- Revocation
@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_a_revoked_token_of_a_person_ends_the_session(ask, api, user, sign_in, kind):
    pair = sign_in()
    assert form(api, REVOKE, {"token": pair[kind]}).status_code == 200
    assert not Session.objects.filter(user=user, ended_at__isnull=True).exists()
    assert [ask(pair[one]) for one in ("access", "refresh")] == [{"active": False}] * 2
    assert form(api, REVOKE, {"token": pair[kind]}).status_code == 200


@pytest.mark.django_db
def test_a_revoked_access_token_of_a_program_ends_alone(ask, api, new_key, exchange):
    key = new_key()
    first, second = exchange(key), exchange(key)
    assert ask(first)["active"]
    assert form(api, REVOKE, {"token": first}).status_code == 200
    assert (ask(first)["active"], ask(second)["active"], ask(key["key"])["active"]) == (False, True, True)
    assert Caller(first).call("get", "/users/me/").status_code == 401
    RevokedToken.objects.update(expires_at=timezone.now() - timedelta(hours=2))
    purge_expired()
    assert not RevokedToken.objects.exists()


@pytest.mark.django_db
def test_whoever_finds_a_key_can_revoke_it(api, new_key):
    key = new_key()
    assert api.post(REVOKE, {"token": key["key"]}).status_code == 200
    assert ApiKey.objects.get(pk=key["id"]).revoked_at is not None
    assert Caller(key["key"]).call("get", "/users/me/").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["unknown", "ffk_unknown", "a.b.c"])
def test_revoking_an_unknown_token_changes_nothing(api, db, token):
    assert form(api, REVOKE, {"token": token}).status_code == 200
    assert form(api, REVOKE, {}).json()["error"] == "invalid_request"


# -- A second service
class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def second_service(live_server, new_key, roles_of_account):
    """Another service of the company, which asks us about each token that it is given; returns its address."""
    roles_of_account("tokens:introspect")
    key = new_key(name="Second service")

    def application(environ, start_response):
        token = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        credentials = (key["prefix"], key["key"])
        said = requests.post(f"{live_server}{INTROSPECT}", {"token": token}, auth=credentials, timeout=30).json()
        start_response("200 OK" if said["active"] else "401 Unauthorized", [("Content-Type", "text/plain")])
        return [said.get("username", "").encode()]

    server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.django_db(transaction=True)
def test_a_second_service_sees_revocations_at_once(second_service, live_server, user):
    def call(token):
        answer = requests.get(second_service, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        return answer.status_code, answer.text

    credentials = {"email": user.email, "password": PASSWORD}
    pair = requests.post(f"{live_server}/api/v1/auth/login/", json=credentials, timeout=30).json()
    assert call(pair["access"]) == (200, user.email)
    out = requests.post(f"{live_server}/api/v1/auth/logout/", json={"refresh": pair["refresh"]}, timeout=30)
    assert out.status_code == 204
    assert call(pair["access"]) == (401, "")
