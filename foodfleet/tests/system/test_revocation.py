"""Revocations apply at the next request, in every process, also during outages of Redis."""

import contextlib
import os
import signal
import time

import pytest
import requests
from django.db import connection

from conftest import PASSWORD
from foodfleet.core.cache import lease
from foodfleet.tests import processes

pytestmark = [pytest.mark.redis, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
ROUNDS = 5


class Server:
    """One process that serves, and those who are signed in to it."""

    def __init__(self, port, process):
        self.api = f"http://127.0.0.1:{port}/api/v1"
        self._process = process

    def send_signal(self, number):
        """To the server with its worker."""
        os.killpg(self._process.popen.pid, number)

    def call(self, method, path, access=None, **body):
        headers = {"Authorization": f"Bearer {access}"} if access else {}
        return requests.request(method, f"{self.api}{path}", json=body or None, headers=headers, timeout=60)

    def sign_in(self, email):
        """A pair of tokens that this process has answered for twice, so that it has cached them."""
        pair = self.call("POST", "/auth/login/", email=email, password=PASSWORD).json()
        for _ in range(2):
            assert self.call("GET", "/users/me/", pair["access"]).status_code == 200
        return pair

    def accepts(self, pair):
        answer = self.call("GET", "/users/me/", pair["access"])
        assert answer.status_code in (200, 401), answer.text
        return answer.status_code == 200

    def end(self, pair):
        assert self.call("POST", "/auth/logout/", refresh=pair["refresh"]).status_code == 204


@pytest.fixture
def private_redis(tmp_path):
    server = processes.PrivateRedis(tmp_path)
    yield server
    server.thaw()
    server.kill()


@pytest.fixture
def serve(start):
    """Start a server on the tests' database and the Redis of this address."""

    def begin(redis_url):
        database = connection.settings_dict
        where = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
        off = {f"THROTTLE_{scope}": "off" for scope in ("LOGIN", "REGISTER", "FORGOT", "2FA", "API_KEY", "USER")}
        port = processes.free_port()
        values = {"DATABASE_URL": f"postgres://{where}", "REDIS_URL": redis_url, "CONNECT_TIMEOUT_SECONDS": "1"}
        process = start(f"web{port}", processes.web_command(port), ADMIN_REQUIRE_2FA="false", **values, **off)
        ready = f"http://127.0.0.1:{port}/health/live/"
        processes.wait_until(lambda: requests.get(ready, timeout=5).ok, what="the start")
        return Server(port, process)

    return begin


@pytest.fixture
def reader(serve, private_redis):
    return serve(private_redis.url)


@pytest.fixture
def cut_off(serve):
    """A process that alone cannot reach Redis."""
    return serve(f"redis://127.0.0.1:{processes.free_port()}/0")


def test_a_process_that_was_paused_longer_than_a_lease_answers_nothing_old(user, serve, private_redis):
    servers = [serve(private_redis.url) for _ in range(3)]
    ended, other = (servers[0].sign_in(user.email) for _ in range(2))
    for server in servers:
        assert [server.accepts(pair) for pair in (ended, other, ended, other)] == [True] * 4
    paused = servers[2]
    paused.send_signal(signal.SIGSTOP)
    resumes = time.monotonic() + 2 * lease.LEASE_SECONDS
    servers[0].end(ended)
    assert [server.accepts(ended) for server in servers[:2]] == [False, False]
    time.sleep(max(0, resumes - time.monotonic()))
    paused.send_signal(signal.SIGCONT)
    assert not any(paused.accepts(ended) for _ in range(100))
    assert paused.accepts(other)


def test_an_ended_session_stays_ended_after_a_restart_of_redis(user, reader, private_redis):
    for number in range(ROUNDS * 2):
        pair = reader.sign_in(user.email)
        private_redis.save()
        if number % 2:
            private_redis.forget_saved()
        reader.end(pair)
        assert not reader.accepts(pair)
        private_redis.kill()
        if number > ROUNDS:
            assert not reader.accepts(pair)
        private_redis.start()
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            assert not reader.accepts(pair)


def test_a_session_ended_during_a_redis_outage_stays_ended(user, reader, private_redis):
    for come_back_empty in (False, True):
        pair, other = reader.sign_in(user.email), reader.sign_in(user.email)
        private_redis.save()
        if come_back_empty:
            private_redis.forget_saved()
        private_redis.kill()
        reader.end(pair)
        assert not reader.accepts(pair)
        assert reader.accepts(other)
        private_redis.start()
        until = time.monotonic() + 3
        while time.monotonic() < until:
            assert not reader.accepts(pair)
        assert reader.accepts(other)


def test_sessions_are_checked_in_the_database_without_redis(user, reader, private_redis):
    pair, other = reader.sign_in(user.email), reader.sign_in(user.email)
    private_redis.freeze()
    reader.end(pair)
    assert not reader.accepts(pair)
    assert reader.accepts(other)
    private_redis.thaw()
    assert not reader.accepts(pair)
    assert reader.accepts(other)


def test_a_revocation_without_redis_reaches_other_processes_at_once(user, make_user, allow, reader, cut_off):
    make_user("boss@example.com", is_superuser=True)
    boss = cut_off.sign_in("boss@example.com")
    grant = allow(user, "users:read")
    ann, other = reader.sign_in(user.email), reader.sign_in(user.email)
    assert reader.call("GET", "/users/", ann["access"]).status_code == 200
    cut_off.end(other)
    assert not reader.accepts(other)
    withdrawn = cut_off.call("DELETE", f"/users/{user.pk}/roles/{grant.role_id}/", boss["access"])
    assert withdrawn.status_code == 204
    assert reader.call("GET", "/users/", ann["access"]).status_code == 403
    assert cut_off.call("POST", f"/users/{user.pk}/lock/", boss["access"]).status_code in (200, 204)
    assert not reader.accepts(ann)


def test_concurrent_readers_never_cache_an_ended_session(user, reader, serve, private_redis):
    from concurrent.futures import ThreadPoolExecutor

    writer = serve(private_redis.url)
    for _ in range(ROUNDS):
        pair = reader.sign_in(user.email)
        going_on = True

        def read(pair=pair):
            while going_on:  # noqa: B023  the current value is meant
                with contextlib.suppress(requests.ConnectionError):
                    reader.accepts(pair)

        with ThreadPoolExecutor(4) as pool:
            readers = [pool.submit(read) for _ in range(4)]
            private_redis.client().flushdb()
            writer.end(pair)
            refused = [not reader.accepts(pair) for _ in range(20)]
            going_on = False
            for one in readers:
                one.result()
        assert all(refused)


def test_a_revoked_api_key_is_refused_by_every_process(make_user, reader, serve, private_redis):
    make_user("boss@example.com", is_superuser=True)
    writer = serve(private_redis.url)
    boss = writer.sign_in("boss@example.com")["access"]
    account = writer.call("POST", "/service-accounts/", boss, name="Payroll").json()["id"]
    for _ in range(ROUNDS):
        made = writer.call("POST", f"/service-accounts/{account}/keys/", boss, name="Production").json()
        for _ in range(2):
            assert reader.call("GET", "/users/me/", made["key"]).status_code == 200
        path = f"/service-accounts/{account}/keys/{made['id']}/"
        assert writer.call("DELETE", path, boss).status_code == 204
        assert {reader.call("GET", "/users/me/", made["key"]).status_code for _ in range(3)} == {401}
