"""Fixtures: staff who manage service accounts, and programs that call the API."""

import pytest
from rest_framework.test import APIClient

V1 = "/api/v1"


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
