"""`make serve` and `make run` with slow, disconnecting or malformed clients, and with SIGTERM."""

import json
import select
import shutil
import signal
import socket
import time
from contextlib import closing
from http.client import HTTPConnection

import pytest

from foodfleet import supervise
from foodfleet.tests import processes

pytestmark = pytest.mark.once
JSON = {"Content-Type": "application/json"}
BEGUN = b"POST /api/v1/auth/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
SERVERS = {
    "serve": processes.web_command,
    "run": lambda port: [str(processes.BIN / "python"), "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"],
}


@pytest.fixture(scope="module")
def database(migrated_file, tmp_path_factory):
    """The environment of servers on one migrated database of SQLite, with a short time for bodies."""
    path = shutil.copy(migrated_file, tmp_path_factory.mktemp("server"))
    values = {"DATABASE_URL": f"sqlite:///{path}", "BODY_TIMEOUT_SECONDS": "4", "THROTTLE_LOGIN": "off"}
    processes.collect_static(**values)
    return values


@pytest.fixture(scope="module", params=SERVERS)
def port(request, database, tmp_path_factory):
    """The port of a server that all tests here share: each of the two kinds."""
    port = processes.free_port()
    log = tmp_path_factory.mktemp("log") / "server.log"
    debug = {"DEBUG": "true"} if request.param == "run" else {}
    process = processes.Process(SERVERS[request.param](port), log, **debug, **database)
    wait_for_start(port)
    yield port
    process.stop()
    print(log.read_text(errors="replace")[-3000:])


def wait_for_start(port):
    processes.wait_until(lambda: is_alive(port), what="the start")


def is_alive(port):
    try:
        return call(port, "GET", "/health/live/")[0] == 200
    except OSError:
        return False


def call(port, method, path, body=None, headers=()):
    """One call on a connection of its own: status, headers, body."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request(method, path, body, {"Host": "localhost", **dict(headers)})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def begin(port, sent=BEGUN):
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(sent)
    return connection


def read_all(connection):
    with closing(connection):
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_slow_bodies_stop_nobody_and_end_with_408(port):
    for _ in range(3):  # a busy machine may answer later than the bodies' time is over
        slow = [begin(port) for _ in range(40)]
        assert call(port, "GET", "/health/live/")[0] == 200
        all_still_wait = not select.select(slow, [], [], 0)[0]
        answers = [read_all(connection) for connection in slow]
        assert {answer.split(b"\r\n")[0].split()[1] for answer in answers} == {b"408"}
        assert all(b"request_timeout" in answer for answer in answers)
        if all_still_wait:
            break
    assert all_still_wait


@pytest.mark.parametrize("size", [100, 200_000])
@pytest.mark.parametrize(
    ("method", "path", "content_type", "status"),
    [
        ("POST", "/api/v1/users/", "application/json", 401),
        ("POST", "/api/v1/nowhere/", "application/json", 404),
        ("PUT", "/api/v1/auth/login/", "application/json", 405),
        ("POST", "/api/v1/auth/login/", "text/plain", 415),
        ("POST", "/login/", "application/x-www-form-urlencoded", 403),
    ],
)
def test_a_refused_body_does_not_break_the_next_call(port, method, path, content_type, status, size):
    body = b"x" * size
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        for _ in range(10):
            connection.request(method, path, body, {"Host": "localhost", "Content-Type": content_type})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
            connection.request("GET", "/health/live/", headers={"Host": "localhost"})
            assert connection.getresponse().read() == b'{"status": "ok"}'


def test_header_names_with_underscores_are_dropped(port):
    sent = b"GET /health/live/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX%sRequest%sID: chosen-by-me\r\n\r\n"
    for separator, is_kept in ((b"-", True), (b"_", False)):
        answer = read_all(begin(port, sent % (separator, separator)))
        assert (b"chosen-by-me" in answer) is is_kept


def test_clients_that_leave_disturb_nobody(port):
    for sent in (BEGUN, BEGUN[:40], b"GET /login/ HTTP/1.1\r\nHost: localhost\r\n\r\n") * 20:
        begin(port, sent).close()
    assert call(port, "GET", "/login/")[0] == 200


def test_a_head_request_gets_the_length_alone(port):
    status, headers, body = call(port, "HEAD", "/health/live/")
    assert (status, headers["Content-Length"], body) == (200, "16", b"")


def test_a_post_without_the_slash_is_refused_not_broken(port):
    for path in ("/login", "/account/password", "/nowhere"):
        status, _, body = call(port, "POST", path, "email=a", {"Content-Type": "application/x-www-form-urlencoded"})
        assert status == 404, body[:2000]


# -- `make serve` alone -----------------------------------------------------------------------------------------------
@pytest.fixture
def serve(database, start):
    """Start `make serve`; returns its port and process."""

    def begin_server(workers=1, ready=True, **values):
        port = processes.free_port()
        process = start(f"web{port}", processes.web_command(port, workers), **{**database, **values})
        if ready:
            wait_for_start(port)
        return port, process

    return begin_server


def end(process):
    """Send SIGTERM to the server alone; returns after how many seconds it ended."""
    started = time.monotonic()
    process.popen.send_signal(signal.SIGTERM)
    process.popen.wait(40)
    return time.monotonic() - started


def test_chunked_bodies_are_read_and_too_large_ones_are_413(serve):
    port, _ = serve()
    head = BEGUN.split(b"Content-Length")[0] + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b'{"email": "ann@example.com", "password": "not hers"}'
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:20], body[20:])) + b"0\r\n\r\n"
    assert b" 401 " in read_all(begin(port, head + chunked))[:20]
    assert b" 400 " in read_all(begin(port, head + body))[:20]
    for size in (3, 43, 60):
        status, _, body = call(port, "POST", "/api/v1/auth/login/", b" " * size * 2**20, JSON)
        assert (status, json.loads(body)["code"]) == (413, "payload_too_large")


def test_a_running_request_is_answered_after_sigterm(serve):
    port, process = serve(BCRYPT_ROUNDS="14")  # so costly that its sign-in takes about a second
    body = json.dumps({"email": "ann@example.com", "password": "not hers"}).encode()
    head = BEGUN[:-1].replace(b"5000", str(len(body)).encode())
    requested = begin(port, head + body)
    time.sleep(0.3)
    seconds = end(process)
    assert b"invalid_credentials" in read_all(requested)
    assert seconds < 10


def test_sigterm_ends_a_server_whose_bodies_are_slow(serve):
    port, process = serve()
    slow = [begin(port) for _ in range(16)]
    assert end(process) < 10
    for connection in slow:
        connection.close()


@pytest.mark.parametrize("delay", [0.0, 0.5, 1.0])
def test_sigterm_ends_a_server_whose_workers_still_start(serve, delay):
    _, process = serve(workers=3, ready=False)
    processes.wait_until(lambda: "Spawning worker-3" in process.log.read_text(), what="the workers' start")
    time.sleep(delay)
    assert end(process) < 10


def test_make_serve_runs_the_server_that_these_tests_start():
    command = supervise.parts_of("serve", ["--port", "8000"])[0].command
    assert command == processes.web_command(8000)[: len(command)]
