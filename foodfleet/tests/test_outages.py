"""A service that the product stands on refuses, hangs or is slow: every answer comes in time, and then all is well."""

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from foodfleet.tests import processes
from foodfleet.tests.proxy import Mode, Proxy

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

CLIENTS = 24
IN_TIME = 3.0  # seconds until the answer to a request
BACK_WITHIN = 2.0  # seconds after the end of an outage
SPARE = 1.0  # seconds that a busy machine may add


@pytest.fixture
def through_proxy():
    """A proxy in front of the service at a URL, and its URL there."""
    proxies = []

    def make(url):
        parts = urlsplit(url)
        proxy = Proxy(parts.port)
        proxies.append(proxy)
        login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        return proxy, parts._replace(netloc=f"{login}127.0.0.1:{proxy.port}").geturl()

    yield make
    for proxy in proxies:
        proxy.close()


def start_web(start, **values):
    """Its address, when it is ready."""
    port = processes.free_port()
    address = f"http://127.0.0.1:{port}"
    start("web", processes.web_command(port), THROTTLE_LOGIN="off", THROTTLE_REGISTER="off", **values)
    processes.wait_until(lambda: requests.get(f"{address}/health/ready/", timeout=5).ok, what="readiness")
    return address


def timed(method, url, **how):
    """(status, seconds, Retry-After)"""
    began = time.monotonic()
    response = requests.request(method, url, timeout=30, **how)
    return response.status_code, time.monotonic() - began, response.headers.get("Retry-After")


def sign_in(address):
    """A call that needs the database."""
    return timed("POST", f"{address}/api/v1/auth/login/", json={"email": "nobody@example.com", "password": "x"})


def health(address, which):
    return timed("GET", f"{address}/health/{which}/")


@pytest.mark.parametrize("mode", [Mode.HANG, Mode.REFUSE])
def test_without_a_database_each_answer_comes_in_time(mode, start, postgres_url, through_proxy):
    processes.manage("migrate", DATABASE_URL=postgres_url)
    database, url = through_proxy(postgres_url)
    address = start_web(start, DATABASE_URL=url)
    with ThreadPoolExecutor(CLIENTS + 1) as clients:
        assert {status for status, *_ in clients.map(sign_in, [address] * CLIENTS)} == {401}
        database.switch(mode)
        answers = clients.map(sign_in, [address] * CLIENTS * 2)
        alive = [health(address, "live") for _ in range(5)]
        answers = list(answers)
        assert {(status, wait is not None) for status, _, wait in answers} == {(503, True)}
        assert max(seconds for _, seconds, _ in answers) < IN_TIME + SPARE
        assert {status for status, *_ in alive} == {200}
        assert max(seconds for _, seconds, _ in alive) < SPARE * 2
        status, seconds, _ = health(address, "ready")
        assert (status, seconds < IN_TIME + SPARE) == (503, True)
        database.switch(Mode.PASS)
        began = time.monotonic()
        processes.wait_until(lambda: sign_in(address)[0] == 401, what="the first answer after the outage")
        assert time.monotonic() - began < BACK_WITHIN


def test_a_slow_database_is_waited_for(start, postgres_url, through_proxy):
    processes.manage("migrate", DATABASE_URL=postgres_url)
    database, url = through_proxy(postgres_url)
    address = start_web(start, DATABASE_URL=url)
    sign_in(address)
    database.switch(Mode.SLOW)
    assert sign_in(address)[0] == 401


@pytest.mark.parametrize("mode", [Mode.HANG, Mode.REFUSE, Mode.SLOW])
def test_a_redis_that_does_not_answer_delays_no_request_for_long(mode, start, postgres_url, through_proxy, tmp_path):
    """Redis is the cache and the broker; each registration queues a mail."""
    processes.manage("migrate", DATABASE_URL=postgres_url)
    redis = processes.PrivateRedis(tmp_path)
    proxy, url = through_proxy(redis.url)
    try:
        address = start_web(start, DATABASE_URL=postgres_url, REDIS_URL=url, CELERY_BROKER_URL=url.replace("/0", "/1"))
        proxy.switch(mode)

        def register(number):
            body = {"email": f"m{number}@example.com", "password": "Grill-Fleet-2026!"}
            return timed("POST", f"{address}/api/v1/auth/register/", json=body)

        with ThreadPoolExecutor(8) as clients:
            answers = clients.map(register, range(24))
            alive = [health(address, "live") for _ in range(5)]
            answers = list(answers)
        assert {status for status, *_ in answers} == {202}
        assert max(seconds for _, seconds, _ in [*answers, *alive]) < 4 * IN_TIME
        assert {status for status, *_ in alive} == {200}
        if mode != Mode.SLOW:
            assert health(address, "ready")[0] == 503
        proxy.switch(Mode.PASS)
        processes.wait_until(lambda: health(address, "ready")[0] == 200, seconds=5, what="readiness")
    finally:
        redis.kill()
