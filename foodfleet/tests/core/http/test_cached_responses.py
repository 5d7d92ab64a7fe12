"""Repeated calls without Django: only while nothing that it checks has changed, and with rows as they are now."""

import json
from types import SimpleNamespace

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError, connections

from accounts.models import Session
from accounts.services.account import profile
from accounts.services.sessions import sessions
from foodfleet.core.http import throttling
from foodfleet.core.http.bodies.cached_responses import CachedResponses
from foodfleet.core.http.bodies.wsgi_bridge import WSGIBridge
from foodfleet.core.http.clients import Client
from foodfleet.tests.core.cache import leases
from foodfleet.tests.core.http.test_wsgi_bridge import ask, in_own_loop
from rbac.models import RoleAssignment
from rbac.services import assignments, decisions, roles

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both]


class Server:
    """The application behind the bridge, called as a program calls it."""

    def __init__(self, token):
        self.token, self.made = token, 0  # made: answers of Django
        django = get_wsgi_application()

        def application(environ, start_response):
            self.made += 1
            return django(environ, start_response)

        limits = {"threads": 1, "body_seconds": 5, "most": 1000}
        self.bridge = WSGIBridge(application, **limits, responses=CachedResponses())

    def me(self, **headers):
        return self.get("/api/v1/users/me/", **headers)

    def users(self):
        return self.get("/api/v1/users/")

    def get(self, path, **headers):
        headers = {"host": "localhost", "authorization": f"Bearer {self.token}", **headers}
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        path, _, query = path.partition("?")
        scope = {"method": "GET", "raw_path": path.encode(), "query_string": query.encode(), "headers": pairs}
        found, body = in_own_loop(ask(self.bridge, **scope))
        return {name.decode(): value.decode() for name, value in found.items()}, json.loads(body)


@pytest.fixture
def pair(user):
    return sessions.start(user=user, client=Client())


@pytest.fixture
def server(pair, settings):
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "user": None}
    if settings.REDIS_URL:
        leases.wait_for_lease()
    one = Server(pair.access)
    yield one
    one.bridge._pool.submit(connections.close_all).result()


@pytest.fixture
def answered_twice(server):
    first = server.me()
    return first, server.me()


def without_id(headers):
    return {name: value for name, value in headers.items() if name != "x-request-id"}


def in_database_alone(settings):
    return not settings.REDIS_URL and connections["default"].vendor == "postgresql"


def test_a_repeated_call_gets_the_same_bytes_and_its_own_request_id(server, answered_twice, settings):
    (headers, body), (headers_again, body_again) = answered_twice
    assert (without_id(headers), body) == (without_id(headers_again), body_again)
    assert headers["x-request-id"] != headers_again["x-request-id"]
    assert server.me(x_request_id="given-by-caller")[0]["x-request-id"] == "given-by-caller"
    assert server.made == (3 if in_database_alone(settings) else 1)


def test_a_repeated_call_is_logged_like_the_first(server, caplog, settings):
    with caplog.at_level("INFO", logger="django_structlog.middlewares.request"):
        server.me()
        server.me()
    first, again = (record.msg for record in caplog.records if record.msg["event"] == "request_finished")
    assert server.made == (2 if in_database_alone(settings) else 1)
    assert first.keys() == again.keys()
    different = {"duration_ms", "timestamp", "request_id"}
    assert all(first[name] == again[name] for name in first.keys() - different)
    assert first["request_id"] != again["request_id"]


@pytest.mark.usefixtures("answered_twice")
def test_a_change_is_seen_by_the_next_call(server, user, allow):
    profile.change(user=user, first_name="Anna")
    assert server.me()[1]["first_name"] == "Anna"
    server.me()
    allow(user, "users:read")
    assert server.me()[1]["permissions"] == ["users:read"]


@pytest.mark.usefixtures("answered_twice")
def test_an_ended_session_is_refused_at_the_next_call(server, user):
    sessions.end_all_own(user=user, client=Client())
    assert server.me()[1]["code"] == "invalid_token"


@pytest.mark.usefixtures("answered_twice")
def test_an_expired_token_is_refused_at_the_next_call(server, monkeypatch):
    monkeypatch.setattr("accounts.services.jwt.tokens.time", lambda: 9_999_999_999.0)
    assert server.me()[1]["code"] == "invalid_token"


@pytest.mark.usefixtures("answered_twice")
def test_a_call_with_other_headers_gets_its_own_answer(server):
    assert server.me(accept_language="fr")[0]["content-language"] == "fr"
    assert server.me(accept="text/html")[1]["code"] == "not_acceptable"
    server.token = server.token[:-4] + "AAAA"
    assert server.me()[1]["code"] == "invalid_token"


def test_repeated_calls_count_towards_the_limit(server, settings, monkeypatch):
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "user": (300, 3600)}
    monkeypatch.setattr(throttling, "_local", {})
    monkeypatch.setattr(throttling, "time", lambda: 1_000_000_000.0)
    answers = [server.me()[1] for _ in range(310)]
    assert 300 <= sum("email" in answer for answer in answers) <= 303
    assert answers[-1]["code"] == "throttled"


def test_where_a_role_requires_mfa_each_call_asks(server, user, answered_twice):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Careful", permissions=[], requires_2fa=True))
    assignments.grant(actor=None, user=user, role=role)
    made = server.made
    assert [server.me()[1].get("code") for _ in range(2)] == ["two_factor_required"] * 2
    assert server.made == made + 2
    assert Session.objects.count() == 1


# -- Lists: the same checks, and a body that is made anew
def lose_the_role(user):
    assignments.revoke(actor=None, user=user, role=RoleAssignment.objects.get(user=user).role)


@pytest.fixture
def listed(server, user, allow):
    allow(user, "users:read")
    return [server.users() for _ in range(2)]


def test_a_repeated_list_is_made_without_django(server, listed, settings):
    (headers, body), (headers_again, body_again) = listed
    assert (without_id(headers), body) == (without_id(headers_again), body_again)
    assert server.made == (2 if in_database_alone(settings) else 1)


@pytest.mark.usefixtures("listed")
def test_a_repeated_list_has_the_rows_of_now(server, user, make_user):
    added = make_user(email="added@example.com")
    headers, body = server.users()
    assert [row["id"] for row in body["results"]] == [added.pk, user.pk]
    assert int(headers["content-length"]) == len(json.dumps(body, separators=(",", ":")))
    added.delete()
    assert [row["id"] for row in server.users()[1]["results"]] == [user.pk]


@pytest.mark.usefixtures("listed")
def test_a_repeated_list_is_refused_without_the_permission(server, user):
    lose_the_role(user)
    assert server.users()[1]["code"] == "insufficient_permissions"


def test_a_list_whose_permission_is_lost_during_the_call_is_not_repeated(server, user, allow, monkeypatch):
    allow(user, "users:read")

    def has(*given):
        found = decisions.has(*given)
        lose_the_role(user)
        return found

    changed = SimpleNamespace(access_of=decisions.access_of, has=has)
    monkeypatch.setattr("accounts.api.views.users.decisions", changed)
    assert "results" in server.users()[1]
    assert server.users()[1]["code"] == "insufficient_permissions"


@pytest.mark.usefixtures("listed")
def test_a_repeated_list_is_refused_once_its_session_has_ended(server, user):
    sessions.end_all_own(user=user, client=Client())
    assert server.users()[1]["code"] == "invalid_token"


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize(
    ("error", "code"), [(OperationalError("gone"), "service_unavailable"), (TypeError("odd"), "internal_error")]
)
def test_the_failure_of_a_repeated_list_is_an_error_of_the_api(server, monkeypatch, error, code):
    tried = []

    def fail(*given, **_):
        tried.append(given)
        raise error

    monkeypatch.setattr("accounts.api.views.users._EVERYBODY.page", fail)
    assert server.users()[1]["code"] == code
    assert len(tried) == 1


@pytest.mark.usefixtures("listed")
def test_a_repeated_list_that_fails_counts_once(server, settings, monkeypatch):
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "user": (100_000, 3600)}
    monkeypatch.setattr(throttling, "_local", {})

    def fail(*given, **_):
        raise OperationalError("gone")

    monkeypatch.setattr("accounts.api.views.users._EVERYBODY.page", fail)
    assert server.users()[1]["code"] == "service_unavailable"
    assert [local.calls for local in throttling._local.values()] == [1]


@pytest.mark.usefixtures("listed")
def test_while_traces_are_on_each_call_takes_the_whole_path(server, settings):
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = "http://localhost:4318"
    server.get("/api/v1/users/?page_size=5")
    made = server.made
    server.get("/api/v1/users/?page_size=5")
    assert server.made == made + 1
