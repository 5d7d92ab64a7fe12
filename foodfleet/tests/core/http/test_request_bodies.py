"""Request bodies are read before authentication, under any WSGI server."""

from io import BytesIO

import pytest

from foodfleet.core.http.bodies.request_bodies import FAULT, PIECE, BodyFault, BufferedBodies

pytestmark = pytest.mark.once


class Failing(BytesIO):
    """A body whose connection fails after what it has."""

    def __init__(self, body, error):
        super().__init__(body)
        self._error = error

    def read(self, size=-1):
        found = super().read(size)
        if not found:
            raise self._error
        return found


def passed_on(body, most=10 * PIECE, **environ):
    """The body, its length and its fault, as an application behind BufferedBodies sees them."""
    found = []

    def application(given, start_response):
        found.append((given["wsgi.input"].read(), given.get("CONTENT_LENGTH"), given.get(FAULT)))
        return []

    content = body if hasattr(body, "read") else BytesIO(body)
    given = {"REQUEST_METHOD": "POST", "wsgi.input_terminated": True, "wsgi.input": content, **environ}
    BufferedBodies(application, most=most)(given, None)
    return found[0]


@pytest.mark.parametrize("length", [0, 1, PIECE, 3 * PIECE + 1])
def test_a_body_without_a_length_gets_one(length):
    assert passed_on(b"x" * length) == (b"x" * length, str(length), None)


@pytest.mark.parametrize("length", [1, PIECE, 3 * PIECE + 1])
def test_a_body_with_a_length_is_read_to_it_and_no_further(length):
    rest = BytesIO(b"x" * length + b"next request")
    assert passed_on(rest, CONTENT_LENGTH=str(length)) == (b"x" * length, str(length), None)
    assert rest.read() == b"next request"


@pytest.mark.parametrize(
    ("body", "environ", "fault"),
    [
        (b"x" * 5 * PIECE, {}, BodyFault.TOO_LARGE),
        (b"x", {"CONTENT_LENGTH": str(2 * PIECE)}, BodyFault.TOO_LARGE),
        (b"x", {"CONTENT_LENGTH": "9" * 5000}, BodyFault.LENGTH_REQUIRED),
        (b"x", {"CONTENT_LENGTH": "two"}, BodyFault.LENGTH_REQUIRED),
        (b"x", {"CONTENT_LENGTH": "-1"}, BodyFault.LENGTH_REQUIRED),
        (b"x", {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": False}, BodyFault.LENGTH_REQUIRED),
        (b"x", {"CONTENT_LENGTH": "5"}, BodyFault.CUT_OFF),
        (Failing(b"x", ConnectionResetError()), {"CONTENT_LENGTH": "5"}, BodyFault.CUT_OFF),
        (Failing(b"x", TimeoutError()), {"CONTENT_LENGTH": "5"}, BodyFault.TIMEOUT),
    ],
)
def test_a_body_that_is_not_complete_is_not_passed_on(body, environ, fault):
    assert passed_on(body, PIECE, **environ)[1:] == ("0", fault)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (BodyFault.TIMEOUT, 408, "request_timeout"),
        (BodyFault.TOO_LARGE, 413, "payload_too_large"),
        (BodyFault.LENGTH_REQUIRED, 411, "length_required"),
        (BodyFault.CUT_OFF, 400, "malformed_request"),
        (BodyFault.OVERLOADED, 503, "service_unavailable"),
    ],
)
def test_an_invalid_body_has_a_specific_error(client, fault, status, code):
    refused = client.post("/api/v1/auth/login/", {}, "application/json", **{FAULT: fault})
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert client.post("/login/", **{FAULT: fault}).status_code == status
