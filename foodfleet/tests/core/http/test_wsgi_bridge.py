"""The WSGI application behind an ASGI server: bounds of bodies, and answers of any length."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from foodfleet.core.http.bodies import wsgi_bridge
from foodfleet.core.http.bodies.request_bodies import FAULT
from foodfleet.core.http.bodies.wsgi_bridge import WSGIBridge, environ_of

pytestmark = pytest.mark.once
SCOPE = {
    "type": "http", "method": "POST", "scheme": "http", "http_version": "1.1", "raw_path": b"/a%C3%A9/%ff", "path": "/",
    "query_string": b"b=%20", "client": ("192.0.2.1", 1), "server": ("127.0.0.1", 8000), "headers": [],
}  # fmt: skip


def echo(environ, start_response):
    """Answers what is wrong with the body, or the body."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Connection", "keep-alive")])
    return [environ.get(FAULT, "").encode() or environ["wsgi.input"].read()]


def in_own_loop(coroutine):
    """Run it in a thread of its own: the one of the tests may have an event loop already, the browser's."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def bridge(application=echo, **values):
    return WSGIBridge(application, **{"threads": 1, "body_seconds": 5, "most": 1000, **values})


async def ask(app, *pieces, ends=True, **scope):
    """Send these pieces; the headers and the body of the answer."""
    waiting = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    sent = []

    async def receive():
        if waiting:
            return waiting.pop(0)
        if ends:
            return {"type": "http.request", "body": b"", "more_body": False}
        return await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    await app({**SCOPE, **scope}, receive, send)
    return dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])


def test_a_body_is_passed_on_when_it_is_complete():
    headers, body = in_own_loop(ask(bridge(), b"a", b"b"))
    assert (headers, body) == ({b"content-type": b"text/plain"}, b"ab")


def test_an_incomplete_body_is_reported_and_the_connection_closed():
    headers, body = in_own_loop(ask(bridge(body_seconds=0.05), b"a", ends=False))
    assert (headers[b"connection"], body) == (b"close", b"timeout")


def test_a_slightly_too_long_body_is_read_to_its_end():
    headers, body = in_own_loop(ask(bridge(), b"x" * 1001))
    assert (headers.get(b"connection"), body) == (None, b"too_large")
    headers, body = in_own_loop(ask(bridge(), *[b"x" * 1000] * 10))
    assert (headers[b"connection"], body) == (b"close", b"too_large")


def test_incomplete_bodies_beyond_the_limit_are_rejected(monkeypatch):
    monkeypatch.setattr(wsgi_bridge, "MOST_INCOMPLETE", 2)

    async def crowd():
        app = bridge(body_seconds=0.2)
        slow = [asyncio.create_task(ask(app, b"a", ends=False)) for _ in range(2)]
        await asyncio.sleep(0.05)
        refused = await ask(app, b"a")
        await asyncio.gather(*slow)
        return refused[1], (await ask(app, b"a"))[1]

    assert in_own_loop(crowd()) == (b"overloaded", b"a")


def test_buffered_bytes_beyond_the_limit_are_rejected_and_freed(monkeypatch):
    monkeypatch.setattr(wsgi_bridge, "MOST_BUFFERED", 500)

    async def calls():
        app = bridge()
        return [(await ask(app, b"x" * size))[1] for size in (501, 400, 400)]

    assert in_own_loop(calls()) == [b"overloaded", b"x" * 400, b"x" * 400]


def test_a_response_of_any_length_arrives_completely():
    def long(environ, start_response):
        start_response("200 OK", [])
        return (b"%6d" % number * 1000 for number in range(500))

    _, body = in_own_loop(ask(bridge(long)))
    assert body == b"".join(b"%6d" % number * 1000 for number in range(500))


def test_the_response_is_closed_after_it_is_handed_over():
    closed = threading.Event()

    class Response(list):
        def close(self):
            closed.set()

    def application(environ, start_response):
        start_response("204 No Content", [])
        return Response()

    in_own_loop(ask(bridge(application)))
    assert closed.wait(5)


def test_the_environ_is_that_of_the_standard():
    headers = [(b"x-a", b"1"), (b"x-a", b"2"), (b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"x_b", b"3")]
    environ = environ_of({**SCOPE, "headers": headers})
    assert environ["PATH_INFO"].encode("latin-1") == "/aé/".encode() + b"\xff"
    assert (environ["HTTP_X_A"], environ["HTTP_COOKIE"]) == ("1,2", "a=1; b=2")
    assert "HTTP_X_B" not in environ


def test_calls_that_take_long_leave_the_threads_of_the_others_free():
    release = threading.Event()

    def application(environ, start_response):
        if environ["PATH_INFO"] == "/login/":
            release.wait(10)
        return echo(environ, start_response)

    async def scenario():
        app = bridge(application, own_threads=[(2, ["/login/", "/register/"])])
        slow = [asyncio.create_task(ask(app, raw_path=b"/login/")) for _ in range(5)]
        await asyncio.sleep(0)
        _, body = await asyncio.wait_for(ask(app, b"quick", raw_path=b"/me/"), 5)
        release.set()
        return body, len(await asyncio.gather(*slow))

    assert in_own_loop(scenario()) == (b"quick", 5)
