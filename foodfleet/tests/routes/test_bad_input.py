"""Invalid bodies to every route get an error in the contract's format, never a 500."""

import json
import re

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

pytestmark = pytest.mark.django_db

BODIES = {
    "nothing": (b"", "application/json"),
    "empty object": (b"{}", "application/json"),
    "list": (b"[]", "application/json"),
    "list of objects": (b'[{"email": "a@example.com"}]', "application/json"),
    "number": (b"7", "application/json"),
    "null": (b"null", "application/json"),
    "text": (b'"text"', "application/json"),
    "not json": (b"{email: a}", "application/json"),
    "cut off": (b'{"email": "a@exam', "application/json"),
    "invalid utf-8": (b'{"email": "\xff\xfe"}', "application/json"),
    "utf-16": ('{"email": "a@example.com"}'.encode("utf-16"), "application/json"),
    "unknown content type": (b"<email>a@example.com</email>", "application/xml"),
    "form": (b"email=a%40example.com", "application/x-www-form-urlencoded"),
    "nan": (b'{"email": NaN}', "application/json"),
    "deep": (b"[" * 100_000 + b"]" * 100_000, "application/json"),
    "large": (b'{"email": "' + b"x" * 3_000_000 + b'"}', "application/json"),
}
METHODS = ("post", "patch", "put", "delete")
BIG = 50_000  # bytes: such a body is sent by one method only, for the time it takes
FIELDS = [
    "email", "password", "first_name", "last_name", "phone", "token", "refresh", "device_name", "challenge", "method",
    "code", "current_password", "new_password", "name", "description", "permissions", "role", "scope", "expires_at", "user",
    "resource", "action", "content", "variables", "to", "text", "html", "subject", "template", "attachments", "send_at",
    "language", "is_active", "requires_2fa", "label", "credential", "kinds",
]  # fmt: skip
VALUES = {
    "wrong type: number": 7,
    "wrong type: list": [[]],
    "wrong type: object": {"a": {"b": []}},
    "wrong type: null": None,
    "wrong type: true": True,
    "huge number": 10**400,
    "1 MB": "x" * 1_000_000,
    "nul": "a\x00b@example.com",
    "empty": "",
    "spaces": "   ",
    "control characters": "a\r\nBcc: b@example.com",
    "astral": "\U0001f69a@example.com",
}
for label, value in VALUES.items():
    BODIES[label] = (json.dumps(dict.fromkeys(FIELDS, value)).encode(), "application/json")
BODIES["duplicate keys"] = (b'{"email": "a@example.com", "email": "b@example.com"}', "application/json")
BODIES["lone surrogate"] = (b'{"email": "\\ud800@example.com", "password": "\\udfff"}', "application/json")
BODIES["number beyond all"] = (b'{"email": 1e999}', "application/json")


def routes(patterns=None, prefix=""):
    """Every address below /api/v1/, with an id or token filled in."""
    found = []
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        route = prefix + str(pattern.pattern).replace("^", "").replace("$", "")
        if isinstance(pattern, URLResolver):
            found += routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("api/v1/"):
            found.append("/" + route)
    return found


def filled(route):
    """The address with something where it names a variable."""
    return re.sub(
        r"<(\w+:)?(\w+)>", lambda m: "00000000-0000-4000-8000-000000000000" if m[1] == "uuid:" else "1", route
    )


ROUTES = sorted({filled(route) for route in routes() if "(?P" not in route and "\\" not in route})


@pytest.fixture
def access_token(make_user, sign_in):
    """Everything is permitted to this one: what refuses is the input's own check."""
    make_user("root@example.com", is_superuser=True, is_staff=True)
    return sign_in("root@example.com")["access"]


def answers(send, route, method, headers):
    """Each answer with the name of its body; one is enough where no body is read (401, 405)."""
    for label, (body, content_type) in BODIES.items():
        if len(body) < BIG or method == METHODS[0]:
            response = send(route, data=body, content_type=content_type, headers=headers)
            yield label, response
            if label == "nothing" and response.status_code in {401, 405}:
                return


@pytest.mark.parametrize("route", ROUTES)
def test_bad_input_gets_a_clear_answer(client, access_token, route):
    client.raise_request_exception = False
    for method in METHODS:
        for headers in ({}, {"Authorization": f"Bearer {access_token}"}):
            for label, response in answers(getattr(client, method), route, method, headers):
                problem = f"{method} {route} with {label}: {response.status_code} {response.content[:300]!r}"
                assert response.status_code < 500, problem
                if response.status_code >= 400:
                    answer = json.loads(response.content)
                    assert set(answer) == {"error", "code", "details", "request_id"}, problem


def test_the_routes_tested_with_bad_input_include_the_sign_in():
    assert "/api/v1/auth/login/" in ROUTES


@pytest.mark.parametrize(
    ("label", "status", "code"),
    [
        ("nothing", 422, "validation_error"),
        ("list", 422, "validation_error"),
        ("not json", 400, "malformed_request"),
        ("invalid utf-8", 400, "malformed_request"),
        ("utf-16", 400, "malformed_request"),
        ("unknown content type", 415, "unsupported_media_type"),
        ("form", 415, "unsupported_media_type"),
        ("large", 413, "payload_too_large"),
        ("deep", 400, "malformed_request"),
        ("duplicate keys", 400, "malformed_request"),
        ("lone surrogate", 400, "malformed_request"),
        ("number beyond all", 400, "malformed_request"),
        ("nul", 422, "validation_error"),
        ("empty object", 422, "validation_error"),
    ],
)
def test_each_kind_of_bad_body_has_its_code(client, label, status, code):
    body, content_type = BODIES[label]
    response = client.post("/api/v1/auth/register/", data=body, content_type=content_type)
    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize("form", ["", "xml"])
@pytest.mark.parametrize("path", ["events", "users", "schema"])
def test_a_form_of_the_answer_that_is_not_there_is_a_wrong_value(client, access_token, path, form):
    response = client.get(f"/api/v1/{path}/?format={form}", headers={"Authorization": f"Bearer {access_token}"})
    error = response.json()
    assert (response.status_code, error["code"]) == (422, "validation_error")
    assert error["details"]["format"][0]["code"] == "invalid_choice"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html, */*;q=0.8"])
def test_format_means_nothing_to_what_has_one_form(client, access_token, accept):
    headers = {"Authorization": f"Bearer {access_token}", "Accept": accept}
    assert client.get("/api/v1/users/me/?format=xml", headers=headers).status_code == 200
    assert client.get("/api/v1/docs/?format=xml").status_code == 200


def test_an_accept_header_without_json_is_406_in_json(client):
    response = client.get("/api/v1/users/me/", headers={"accept": "text/csv"})
    assert response.status_code == 406
    assert response.json()["code"] == "not_acceptable"
