"""A service refuses, hangs or is slow: every response comes in time, and delivery recovers."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from foodfleet.tests import processes
from foodfleet.tests.system.proxy import Mode, Proxy

CLIENTS = 24
REGISTRATIONS = 24
IN_TIME = 3.0  # seconds until the answer to a request
BACK_WITHIN = 8.0  # seconds after the end of an outage; one try to connect may last ten
TEXT = "from notifications.services.compose.sms import send_sms; send_sms(to='+4915112345678', text='Hello')"
SPARE = 2.5  # seconds that a busy machine may add: less than a call takes that waits for the service


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


def start_web(start, command=None, **values):
    """Its address, when it is ready."""
    port = processes.free_port()
    address = f"http://127.0.0.1:{port}"
    command = [*command, "--port", str(port), "--workers", "1"] if command else processes.web_command(port)
    start("web", command, THROTTLE_LOGIN="off", THROTTLE_REGISTER="off", **values)
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


def register(address, number):
    """A call that queues a mail."""
    body = {"email": f"m{number}@example.com", "password": "Grill-Fleet-2026!"}
    return timed("POST", f"{address}/api/v1/auth/register/", json=body)


def register_many(address):
    """REGISTRATIONS from 8 clients at once; each is answered in time, and so is whoever asks whether we live."""
    with ThreadPoolExecutor(8) as clients:
        answers = clients.map(lambda number: register(address, number), range(REGISTRATIONS))
        alive = [health(address, "live") for _ in range(5)]
        answers = list(answers)
    assert {status for status, *_ in answers} == {202}
    assert {status for status, *_ in alive} == {200}
    assert max(seconds for _, seconds, _ in answers) < 2 * IN_TIME
    assert max(seconds for _, seconds, _ in alive) < SPARE


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize("mode", [Mode.HANG, Mode.REFUSE])
def test_without_a_database_each_answer_comes_in_time(mode, start, postgres_url, through_proxy):
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
        assert max(seconds for _, seconds, _ in alive) < SPARE
        status, seconds, _ = health(address, "ready")
        assert (status, seconds < IN_TIME + SPARE) == (503, True)
        database.switch(Mode.PASS)
        began = time.monotonic()
        processes.wait_until(lambda: sign_in(address)[0] == 401, what="the first answer after the outage")
        assert time.monotonic() - began < BACK_WITHIN


@pytest.mark.postgres
@pytest.mark.redis
def test_a_slow_database_is_waited_for(start, postgres_url, through_proxy):
    database, url = through_proxy(postgres_url)
    address = start_web(start, DATABASE_URL=url)
    sign_in(address)
    database.switch(Mode.SLOW)
    assert sign_in(address)[0] == 401


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.parametrize("mode", [Mode.HANG, Mode.REFUSE, Mode.SLOW])
def test_a_redis_that_does_not_answer_delays_no_request_for_long(mode, start, postgres_url, through_proxy, tmp_path):
    """Redis is the cache and the broker; each registration queues a mail."""
    redis = processes.PrivateRedis(tmp_path)
    proxy, url = through_proxy(redis.url)
    try:
        address = start_web(start, DATABASE_URL=postgres_url, REDIS_URL=url, CELERY_BROKER_URL=url.replace("/0", "/1"))
        proxy.switch(mode)

        register_many(address)
        if mode != Mode.SLOW:
            assert health(address, "ready")[0] == 503
        proxy.switch(Mode.PASS)
        processes.wait_until(lambda: health(address, "ready")[0] == 200, seconds=5, what="readiness")
    finally:
        redis.kill()


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.broker
@pytest.mark.parametrize("mode", [Mode.HANG, Mode.REFUSE, Mode.SLOW])
def test_what_a_lost_broker_did_not_announce_is_sent(mode, broker_url, start, postgres_url, through_proxy, tmp_path):
    values = {"DATABASE_URL": postgres_url, "EMAIL_URL": f"filemail://{tmp_path}/mail"}
    broker, url = through_proxy(broker_url)
    address = start_web(start, CELERY_BROKER_URL=url, **values)
    broker.switch(mode)
    register_many(address)
    start("worker", processes.worker_command(), CELERY_BROKER_URL=broker_url, **values)
    start("beat", processes.beat_command(), CELERY_BROKER_URL=broker_url, **values)

    def states():
        with psycopg.connect(postgres_url) as connection:
            return connection.execute("SELECT status, count(*) FROM notifications_message GROUP BY status").fetchall()

    processes.wait_until(lambda: states() == [("sent", REGISTRATIONS)], seconds=60, what="the last mail")


@pytest.mark.once
@pytest.mark.parametrize("mode", [Mode.HANG, Mode.REFUSE, Mode.SLOW])
def test_a_provider_that_does_not_answer_delays_no_request(mode, start, sqlite_url, through_proxy):
    """SES and SNS, without a broker: the server itself sends."""
    port = processes.free_port()
    options = ["--port", str(port), "--throttled", "0", "--failing", "0"]
    start("amazon", [processes.sys.executable, "benchmarks/fake_amazon.py", *options])
    report = lambda: requests.get(f"http://127.0.0.1:{port}/report", timeout=5).json()  # noqa: E731
    processes.wait_until(report, what="Amazon's start")
    amazon, url = through_proxy(f"http://127.0.0.1:{port}")
    values = {
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_ENDPOINT_URL": url,
        "DATABASE_URL": sqlite_url, "EMAIL_URL": "amazonses://", "SMS_URL": "sns://",
        "EMAIL_MAX_PER_SECOND": "100", "DELIVERY_LEASE_SECONDS": "5",
    }  # fmt: skip
    address = start_web(start, [processes.sys.executable, "-m", "foodfleet", "serve"], **values)
    amazon.switch(mode)
    register_many(address)
    processes.manage("shell", "-v", "0", "-c", TEXT, **values)
    amazon.switch(Mode.PASS)
    query, file = "SELECT channel, status FROM notifications_message", sqlite_url.removeprefix("sqlite:///")
    states = lambda: set(sqlite3.connect(file).execute(query))  # noqa: E731
    all_sent = {("email", "sent"), ("sms", "sent")}
    processes.wait_until(lambda: states() == all_sent, seconds=60, what="the last message")
    assert report()["recipients"] >= REGISTRATIONS
