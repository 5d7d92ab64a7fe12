"""Cache headers: no response may be stored, except public ones that are named here."""

import pytest

from conftest import PASSWORD
from foodfleet.tests.routes.endpoints import ENDPOINTS
from foodfleet.tests.routes.test_endpoints import fill, signed_in_browser

pytestmark = [pytest.mark.django_db, pytest.mark.once]
CACHEABLE = {"/.well-known/jwks.json", "/admin/jsi18n/", "/site-colors.css"}
ADDRESSES = sorted({fill(endpoint.address) for endpoint in ENDPOINTS} - CACHEABLE)


@pytest.fixture(autouse=True)
def _with_the_mailbox(settings):
    settings.ROOT_URLCONF = "foodfleet.tests.development_urls"


def cached(ask):
    return [address for address in ADDRESSES if "no-store" not in ask(address).headers.get("Cache-Control", "")]


def test_no_answer_to_anybody_is_stored(client):
    client.raise_request_exception = False
    assert cached(client.get) == []
    assert cached(lambda address: client.post(address, {}, "application/json")) == []


def test_no_answer_to_staff_is_stored(make_user):
    browser = signed_in_browser(make_user(is_staff=True, is_superuser=True))
    assert cached(browser.get) == []


def test_tokens_are_not_stored(client, user):
    body = {"email": user.email, "password": PASSWORD}
    answer = client.post("/api/v1/auth/login/", body, "application/json")
    assert answer.json()["access"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/api/v1/nowhere/", "/nowhere/", "/login/%00", "/login"])
def test_an_error_is_not_stored(client, path):
    assert "no-store" in client.get(path).headers["Cache-Control"]


def test_public_keys_and_static_files_are_cached(client):
    assert "max-age=60" in client.get("/.well-known/jwks.json").headers["Cache-Control"]
    assert "no-store" not in client.get("/static/admin/css/base.css").headers["Cache-Control"]
