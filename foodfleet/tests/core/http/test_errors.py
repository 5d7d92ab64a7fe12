"""Every error under /api/ has the contract's form, whoever raised it."""

import json

import pytest
from django.core.exceptions import BadRequest, DisallowedHost, PermissionDenied, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from django.urls import path
from rest_framework import exceptions as drf
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from foodfleet import urls
from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.access import PUBLIC, endpoint

RAISED = {
    "crash": (ZeroDivisionError("secret"), 500, "internal_error"),
    "operational": (OperationalError("secret"), 503, "service_unavailable"),
    "interface": (InterfaceError("secret"), 503, "service_unavailable"),
    "integrity": (IntegrityError("secret"), 409, "conflict"),
    "database": (DatabaseError("secret"), 500, "database_error"),
    "connection": (ConnectionRefusedError("secret"), 503, "service_unavailable"),
    "http404": (Http404("secret"), 404, "not_found"),
    "denied": (PermissionDenied("secret"), 403, "insufficient_permissions"),
    "suspicious": (SuspiciousOperation("secret"), 400, "malformed_request"),
    "bad_request": (BadRequest("secret"), 400, "malformed_request"),
    "host": (DisallowedHost("secret"), 400, "malformed_request"),
    "django_validation": (DjangoValidationError({"name": ["Too short"]}), 422, "validation_error"),
    "drf_validation": (drf.ValidationError({"name": ["Too short"]}), 422, "validation_error"),
    "parse": (drf.ParseError(), 400, "malformed_request"),
    "throttled": (drf.Throttled(wait=7), 429, "throttled"),
    "not_authenticated": (drf.NotAuthenticated(), 401, "not_authenticated"),
    "not_acceptable": (drf.NotAcceptable(), 406, "not_acceptable"),
    "media_type": (drf.UnsupportedMediaType("text/csv"), 415, "unsupported_media_type"),
    "ours": (ValidationException.for_field("name", "Too short", "min"), 422, "validation_error"),
}


class RaisingView(APIView):
    """Raises whatever its address names."""

    permission_classes = [AllowAny]
    authentication_classes: list = []

    def get(self, request, name):
        raise RAISED[name][0]


@endpoint(PUBLIC)
def plain_view(request, name):
    raise RAISED[name][0]


class Urlconf:
    """The real addresses, and those that raise."""

    handler400, handler403, handler404, handler500 = (
        urls.handler400,
        urls.handler403,
        urls.handler404,
        urls.handler500,
    )
    urlpatterns = [
        path("api/v1/raise/<str:name>/", RaisingView.as_view()),
        path("api/plain/<str:name>/", plain_view),
        path("page/<str:name>/", plain_view),
        *urls.urlpatterns,
    ]


@pytest.fixture(autouse=True)
def raising_urls(settings):
    settings.ROOT_URLCONF = Urlconf


@pytest.fixture
def web(client):
    client.raise_request_exception = False
    return client


def assert_envelope(response, status, code):
    assert response.status_code == status, response.content
    body = json.loads(response.content)
    assert set(body) == {"error", "code", "details", "request_id"}
    assert body["code"] == code
    assert isinstance(body["error"], str)
    assert body["error"]
    assert isinstance(body["details"], dict)
    assert body["request_id"] == response["X-Request-ID"]
    assert "secret" not in response.content.decode()
    assert "Traceback" not in response.content.decode()
    return body


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("prefix", ["/api/v1/raise/", "/api/plain/"])
@pytest.mark.parametrize("name", RAISED)
def test_whatever_a_view_raises_becomes_the_envelope(web, settings, name, prefix, debug):
    settings.DEBUG = debug
    _, status, code = RAISED[name]
    assert_envelope(web.get(f"{prefix}{name}/"), status, code)


def test_a_page_that_raises_becomes_a_readable_page(web):
    response = web.get("/page/crash/")
    assert response.status_code == 500
    assert response["Content-Type"].startswith("text/html")
    assert "secret" not in response.content.decode()


def test_a_lost_database_is_a_503_page_that_says_when_to_come_back(web):
    response = web.get("/page/operational/")
    assert response.status_code == 503
    assert response["Retry-After"] == "5"


def test_fields_map_to_lists_of_message_and_code(web):
    body = assert_envelope(web.get("/api/v1/raise/drf_validation/"), 422, "validation_error")
    assert body["details"] == {"name": [{"message": "Too short", "code": "invalid"}]}


def test_throttled_says_when_to_come_back(web):
    assert web.get("/api/v1/raise/throttled/")["Retry-After"] == "7"


def test_401_names_the_scheme(web):
    assert web.get("/api/v1/raise/not_authenticated/")["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("address", ["/api/nothing/", "/api/", "/api/v1/nothing", "/api/v1/users/me"])
def test_an_unknown_address_under_api_is_the_envelope(web, settings, address, debug):
    settings.DEBUG = debug
    assert_envelope(web.get(address), 404, "not_found")


def test_an_unknown_page_is_a_page(web, db):
    response = web.get("/nothing/")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


def test_a_wrong_method_is_405_and_names_the_right_ones(web):
    response = web.delete("/api/v1/auth/login/")
    assert_envelope(response, 405, "method_not_allowed")
    assert "POST" in response["Allow"]


def test_an_unknown_host_is_refused_in_the_envelope(web):
    assert_envelope(web.get("/api/v1/users/me/", headers={"host": "evil.example"}), 400, "malformed_request")


@pytest.mark.parametrize("address", ["/api/v1/users/me/?search=%00", "/api/v1/%00/"])
def test_a_nul_in_the_address_is_refused(web, address):
    assert_envelope(web.get(address), 400, "malformed_request")


def test_a_well_formed_request_id_is_kept(web):
    assert web.get("/health/live/", headers={"X-Request-ID": "abc-123.DEF_4"})["X-Request-ID"] == "abc-123.DEF_4"


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space", "ünicode-long", "a/b/c/d/e/f", ""])
def test_any_other_request_id_is_replaced(web, given):
    answered = web.get("/health/live/", headers={"X-Request-ID": given})["X-Request-ID"]
    assert answered != given
    assert len(answered) == 36


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["10.42.0.17:8000", "web-7d9f", "[fd00::1]:8000"])
def test_health_answers_a_pods_own_address(client, host):
    assert client.get("/health/live/", headers={"host": host}).status_code == 200
    assert client.get("/health/ready/", headers={"host": host}).status_code == 200
    assert client.get("/login/", headers={"host": host}).status_code == 400


def test_a_path_of_the_api_that_is_none_points_at_the_documentation(client):
    assert "/api/v1/docs/" in client.get("/api/v1/").json()["error"]
