"""Breached passwords are looked up at a range API: a real server on this machine."""

import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from structlog.testing import capture_logs

from accounts.models import User
from conftest import PASSWORD

pytestmark = pytest.mark.django_db

REGISTER = "/api/v1/auth/register/"
SHA1 = hashlib.sha1(PASSWORD.encode()).hexdigest().upper()
PREFIX, REST = SHA1[:5], SHA1[5:]
OTHER = "0" * 35


@pytest.fixture
def ranges(settings):
    """A range API: returns `ranges.status` and `ranges.body`, records requests; `ranges.wait` makes it slow."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server = self.server
            server.requested.append((self.requestline, dict(self.headers), self.client_address))
            if server.wait:
                server.wait.wait(30)
            self.send_response(server.status)
            self.end_headers()
            self.wfile.write(server.body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.status, server.body, server.requested, server.wait = 200, b"", [], None
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    settings.PWNED_PASSWORDS_URL = f"http://127.0.0.1:{server.server_port}/"
    yield server
    if server.wait:
        server.wait.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def register(api):
    """Register with PASSWORD: the answer and the lines of the log about the list."""

    def call(password=PASSWORD):
        with capture_logs() as lines:
            answer = api.post(REGISTER, {"email": "ann@example.com", "password": password})
        return answer, [line for line in lines if line["event"].startswith("breach_list")]

    return call


def lines(*pairs):
    return "\r\n".join(f"{rest}:{count}" for rest, count in pairs).encode()


def test_a_breached_password_is_rejected(ranges, register):
    ranges.body = lines((OTHER, 3), (REST, 1))
    answer, log = register()
    assert (answer.status_code, answer.json()["code"]) == (422, "weak_password")
    assert [entry["code"] for entry in answer.json()["details"]["password"]] == ["password_breached"]
    assert not User.objects.exists()
    assert log == []


def test_a_password_that_is_not_on_the_breach_list_is_accepted(ranges, register):
    ranges.body = lines((OTHER, 3), (REST[:-1] + ("0" if REST[-1] != "0" else "1"), 9))
    answer, log = register()
    assert (answer.status_code, log) == (202, [])
    assert User.objects.exists()


def test_lower_case_and_single_newlines_are_read(ranges, register):
    ranges.body = b"%s:2\n%s:7\n" % (OTHER.encode(), REST.lower().encode())
    assert register()[0].status_code == 422


@pytest.mark.parametrize("count", [0, "00"])
def test_padding_is_ignored(ranges, register, count):
    ranges.body = lines((REST, count), (OTHER, 4))
    answer, log = register()
    assert (answer.status_code, log) == (202, [])


def test_only_five_digits_of_the_digest_are_sent_to_the_breach_list(ranges, register):
    ranges.body = lines((OTHER, 3))
    register()
    ((request, headers, _address),) = ranges.requested
    assert request == f"GET /range/{PREFIX} HTTP/1.1"
    assert headers.pop("Host").startswith("127.0.0.1")
    assert headers == {
        "Accept-Encoding": "identity",
        "Add-Padding": "true",
        "User-Agent": "FoodFleet",
        "Connection": "close",
    }
    assert REST not in str(ranges.requested)
    assert PASSWORD not in str(ranges.requested)


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_a_list_that_refuses_to_answer_keeps_nobody_out_and_is_logged(ranges, register, status):
    ranges.status, ranges.body = status, lines((REST, 5))
    answer, log = register()
    assert answer.status_code == 202
    assert [(line["event"], line["log_level"]) for line in log] == [("breach_list_unreachable", "warning")]


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"\xff\xfe\x00", b"{}", lines(("xyz", 1)), b"x" * 2_000_000])
def test_an_answer_that_is_no_list_keeps_nobody_out_and_is_logged(ranges, register, body):
    ranges.body = body
    answer, log = register()
    assert answer.status_code == 202
    assert [line["event"] for line in log] == ["breach_list_unreachable"]


def test_a_breach_list_that_times_out_is_logged_and_accepts_the_password(ranges, register):
    ranges.wait = threading.Event()  # set when this test is over: only a time-out can end the request before
    answer, log = register()
    assert answer.status_code == 202
    assert [line["problem"] for line in log] == ["TimeoutError"]


def test_four_lists_that_hang_do_not_keep_a_fifth_request_waiting_for_good(ranges, register):
    ranges.wait = threading.Event()
    for _ in range(5):
        assert register()[0].status_code == 202


@pytest.fixture
def speaking(settings):
    """A server that sends the given bytes to any request: `speaking(bytes)`."""
    listener = socket.create_server(("127.0.0.1", 0))
    settings.PWNED_PASSWORDS_URL = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def say(words):
        def serve():
            peer, _address = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(words)

        threading.Thread(target=serve, daemon=True).start()

    yield say
    listener.close()


@pytest.mark.parametrize(
    "words",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + OTHER.encode() + b":1\n",
        b"HTTP/1.1 200 OK\r\n" * 300,
    ],
)
def test_a_server_that_speaks_no_http_keeps_nobody_out_and_is_logged(speaking, register, words):
    speaking(words)
    answer, log = register()
    assert answer.status_code == 202
    assert [line["event"] for line in log] == ["breach_list_unreachable"]


def test_a_server_that_is_not_there_keeps_nobody_out_and_is_logged(settings, register):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    settings.PWNED_PASSWORDS_URL = f"http://127.0.0.1:{port}"
    answer, log = register()
    assert answer.status_code == 202
    assert [line["event"] for line in log] == ["breach_list_unreachable"]


def test_the_breach_list_is_not_queried_for_a_weak_password(ranges, register):
    assert register("password")[0].status_code == 422
    assert ranges.requested == []


def test_password_change_and_reset_query_the_breach_list(ranges, api, user, sign_in, link_token):
    new = "Other-Kitchen-77?"
    digest = hashlib.sha1(new.encode()).hexdigest().upper()
    ranges.body = lines((digest[5:], 12))
    tokens = sign_in()
    body = {"current_password": PASSWORD, "new_password": new}
    changed = api.post("/api/v1/auth/password/change/", body, headers={"Authorization": f"Bearer {tokens['access']}"})
    assert [entry["code"] for entry in changed.json()["details"]["new_password"]] == ["password_breached"]
    from accounts.services.one_time import tokens as one_time_tokens
    from accounts.states import TokenPurpose

    token = one_time_tokens.issue(user, TokenPurpose.RESET_PASSWORD)
    reset = api.post("/api/v1/auth/password/reset/", {"token": token, "password": new})
    assert [entry["code"] for entry in reset.json()["details"]["password"]] == ["password_breached"]
    assert [request for request, *_ in ranges.requested] == [f"GET /range/{digest[:5]} HTTP/1.1"] * 2
