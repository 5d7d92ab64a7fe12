"""Bodies that come without their length."""

from io import BytesIO

import pytest
import requests

from foodfleet.core.request_bodies import PIECE, MeasuredBodies
from foodfleet.tests import processes

pytestmark = pytest.mark.once
CHUNKED = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}


def seen(body, most=10 * PIECE, **environ):
    """What an application sees of the body and its length."""
    found = []
    asked = {"REQUEST_METHOD": "POST", "wsgi.input_terminated": True, "wsgi.input": BytesIO(body), **environ}
    MeasuredBodies(lambda given, _: found.append((given["wsgi.input"].read(), given.get("CONTENT_LENGTH"))), most=most)(
        asked, None
    )
    return found[0]


@pytest.mark.parametrize("length", [0, 1, PIECE, 3 * PIECE + 1])
def test_a_body_without_a_length_gets_one(length):
    assert seen(b"x" * length) == (b"x" * length, str(length))


def test_no_more_is_read_than_tells_that_it_is_too_long():
    assert seen(b"x" * 5 * PIECE, most=PIECE)[1] == str(2 * PIECE)


def test_a_body_that_does_not_end_by_itself_is_not_read():
    assert seen(b"x", **{"wsgi.input_terminated": False})[1] is None


def test_a_server_that_reads_no_chunks_says_so(client):
    refused = client.generic("POST", "/api/v1/auth/login/", "", headers={"Transfer-Encoding": "chunked"})
    assert (refused.status_code, refused.json()["code"]) == (411, "length_required")


def test_a_body_in_chunks_is_read_by_the_production_server(start, tmp_path):
    values = {"DATABASE_URL": f"sqlite:///{tmp_path}/fleet.sqlite3"}
    processes.manage("migrate", **values)
    port = processes.free_port()
    address = f"http://127.0.0.1:{port}"
    start("web", processes.web_command(port), **values)
    processes.wait_until(lambda: requests.get(f"{address}/health/live/", timeout=5).ok, what="the start")
    chunks = iter([b'{"email": "ann@example.com", ', b'"password": "not hers"}'])
    answer = requests.post(f"{address}/api/v1/auth/login/", data=chunks, headers=CHUNKED, timeout=20)
    assert answer.json()["code"] == "invalid_credentials"
    large = iter([b" " * 1024 * 1024] * 3)
    answer = requests.post(f"{address}/api/v1/auth/login/", data=large, headers=CHUNKED, timeout=20)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
