"""Browser apps on the origins of CORS_ALLOWED_ORIGINS may call the API, and read its errors."""

import pytest
from django.db import OperationalError

from accounts.services.account import profile
from foodfleet.core.http.bodies.request_bodies import FAULT, BodyFault

pytestmark = [pytest.mark.django_db, pytest.mark.once]
APP = "https://app.example.com"
LOGIN = "/api/v1/auth/login/"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.fixture(autouse=True)
def _allowed(settings):
    settings.CORS_ALLOWED_ORIGINS = [APP]


def test_a_preflight_says_what_an_allowed_origin_may_send(client):
    answer = client.options(LOGIN, headers={"Origin": APP, **PREFLIGHT})
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == APP
    allowed = answer["Access-Control-Allow-Headers"].split(", ")
    assert {"authorization", "content-type", "idempotency-key", "x-request-id"} <= set(allowed)
    assert {"GET", "POST", "PATCH", "DELETE"} <= set(answer["Access-Control-Allow-Methods"].split(", "))
    assert answer["Access-Control-Max-Age"] == "7200"
    assert answer["X-Request-ID"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://app.example.com", f"{APP}:8443", f"{APP}.evil.example"]
)
def test_other_origins_get_no_cors_headers(client, origin):
    for answer in (
        client.options(LOGIN, headers={"Origin": origin, **PREFLIGHT}),
        client.get("/api/v1/schema/", headers={"Origin": origin}),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_cookies_are_never_allowed_across_origins(client):
    for answer in (
        client.options(LOGIN, headers={"Origin": APP, **PREFLIGHT}),
        client.post(LOGIN, {}, "application/json", headers={"Origin": APP}),
    ):
        assert answer["Access-Control-Allow-Origin"] == APP
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_answers_differ_by_origin_for_caches(client):
    assert "origin" in client.get("/.well-known/jwks.json")["Vary"].lower()


@pytest.mark.parametrize("path", ["/.well-known/jwks.json", "/api/v1/nowhere/", "/api/v1/schema/"])
def test_the_whole_api_and_the_public_keys_have_the_headers(client, path):
    answer = client.get(path, headers={"Origin": APP})
    assert answer["Access-Control-Allow-Origin"] == APP
    exposed = answer["Access-Control-Expose-Headers"].split(", ")
    assert {"X-Request-ID", "Retry-After", "WWW-Authenticate"} <= set(exposed)


@pytest.mark.parametrize("path", ["/login/", "/admin/login/", "/health/live/", "/metrics"])
def test_pages_and_operation_have_no_cors_headers(client, path):
    assert "Access-Control-Allow-Origin" not in client.get(path, headers={"Origin": APP}).headers


@pytest.mark.parametrize(
    ("fault", "status"),
    [(BodyFault.TOO_LARGE, 413), (BodyFault.TIMEOUT, 408), (BodyFault.CUT_OFF, 400), (BodyFault.OVERLOADED, 503)],
)
def test_errors_of_incomplete_bodies_have_the_headers(client, fault, status):
    answer = client.post(LOGIN, {}, "application/json", headers={"Origin": APP}, **{FAULT: fault})
    assert answer.status_code == status
    assert answer["Access-Control-Allow-Origin"] == APP


def test_errors_raised_in_middleware_have_the_headers(client):
    calls = {
        "malformed": client.get("/api/v1/auth/login/?x=%00", headers={"Origin": APP}),
        "cookies": client.get("/api/v1/auth/login/", headers={"Origin": APP, "Cookie": "a=" + "b" * 9000}),
        "host": client.get("/api/v1/auth/login/", headers={"Origin": APP, "Host": "evil.example"}),
    }
    for name, answer in calls.items():
        assert answer.status_code >= 400, name
        assert answer["Access-Control-Allow-Origin"] == APP, name
        assert answer.json()["request_id"] == answer["X-Request-ID"], name


def test_a_throttled_call_tells_when_to_come_back(client, settings):
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "login": (1, 24 * 3600)}
    for _ in range(2):
        answer = client.post(
            LOGIN, {"email": "a@b.example", "password": "x"}, "application/json", headers={"Origin": APP}
        )
    assert answer.status_code == 429
    assert answer["Retry-After"]
    assert answer["Access-Control-Allow-Origin"] == APP


def test_a_lost_database_is_readable_for_a_browser_app(api, user, sign_in, monkeypatch):
    def fail(**_values):
        raise OperationalError

    token = sign_in()["access"]
    monkeypatch.setattr(profile, "change", fail)
    answer = api.patch(
        "/api/v1/users/me/", {"first_name": "A"}, headers={"Origin": APP, "Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 503
    assert answer["Access-Control-Allow-Origin"] == APP
