"""Fixtures: staff who manage service accounts, and programs that call the API and the token endpoint."""

import base64
from urllib.parse import urlencode

import pytest
from rest_framework.test import APIClient

V1 = "/api/v1"
TOKEN, INTROSPECT, REVOKE = (f"/api/v1/auth/token/{path}" for path in ("", "introspect/", "revoke/"))
FORM = "application/x-www-form-urlencoded"
GRANT = {"grant_type": "client_credentials"}


class Caller(APIClient):
    """A client with a token or key, which answers every error as JSON."""

    def __init__(self, bearer, **how):
        super().__init__(raise_request_exception=False, headers={"Authorization": f"Bearer {bearer}"}, **how)

    def call(self, method, path, body=None, **how):
        return self.generic_json(method, f"{V1}{path}", body, **how)

    def generic_json(self, method, path, body, **how):
        return getattr(self, method)(path, body if method == "get" else body or {}, **how)


@pytest.fixture
def boss(make_user, sign_in):
    """A superuser, signed in."""
    make_user("boss@example.com", is_superuser=True)
    return Caller(sign_in("boss@example.com")["access"])


@pytest.fixture
def account(boss):
    """The id of a service account."""
    made = boss.call("post", "/service-accounts/", {"name": "Payroll", "description": "Pays wages."})
    assert made.status_code == 201, made.content
    return made.json()["id"]


@pytest.fixture
def new_key(boss, account):
    """Create a key of the service account."""

    def create(**values):
        made = boss.call("post", f"/service-accounts/{account}/keys/", {"name": "Production", **values})
        assert made.status_code == 201, made.content
        return made.json()

    return create


@pytest.fixture
def roles_of_account(account, allow):
    """Give the service account permissions."""
    from accounts.models import User

    return lambda *codenames, **how: allow(User.objects.get(pk=account), *codenames, **how)


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
