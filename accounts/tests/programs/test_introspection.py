"""What introspection and revocation say of each kind of token."""

from datetime import timedelta
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

import jwt
import pytest
import requests
from django.utils import timezone

from accounts.models import ApiKey, RevokedToken, Session, User
from accounts.services.purge import purge_expired
from accounts.tests.programs.conftest import INTROSPECT, REVOKE, Caller, basic, form
from conftest import PASSWORD


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
