"""The connections of the server's threads to PostgreSQL."""

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.db import OperationalError, connection
from django.db.models.signals import pre_migrate
from psycopg import OperationalError as DriverError

from foodfleet.core.database.postgres import driver
from foodfleet.core.database.postgres import server as breaker
from foodfleet.core.database.postgres.server import Server, server
from foodfleet.tests import environment
from foodfleet.tests.system.proxy import Mode, Proxy

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
TARGET = urlsplit(environment.POSTGRES_URL)


@pytest.fixture
def proxy():
    proxy = Proxy(TARGET.port or 5432)
    yield proxy
    proxy.close()
    server.forget()  # what follows does not go through the proxy


@pytest.fixture
def connect(proxy):
    """Make a connection through the proxy."""

    def make():
        return driver.connect(
            host="127.0.0.1", port=proxy.port, user=TARGET.username or "", password=TARGET.password or "",
            dbname="postgres", connect_timeout=2, autocommit=True,
        )  # fmt: skip

    return make


@pytest.fixture
def wrapper(proxy):
    """What a thread of the server has: Django's connection, through the proxy."""
    wrapper = connection.copy()
    wrapper.settings_dict = {**connection.settings_dict, "HOST": "127.0.0.1", "PORT": str(proxy.port)}
    yield wrapper
    wrapper.close()


def pid_in_request(wrapper):
    """Use the connection as one request does; returns the process id of the server's side."""
    wrapper.close_if_unusable_or_obsolete()  # as Django does when a request starts, and when it ends
    try:
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0]
    finally:
        wrapper.close_if_unusable_or_obsolete()


def test_each_request_of_a_thread_uses_the_same_connection(wrapper):
    assert len({pid_in_request(wrapper) for _ in range(3)}) == 1


def test_a_health_check_sends_nothing_to_the_server(wrapper, proxy):
    pid_in_request(wrapper)
    proxy.switch(Mode.HANG)
    assert wrapper.is_usable()
    proxy.switch(Mode.PASS)


def test_a_request_after_the_server_closed_the_connection_succeeds(wrapper):
    closed = pid_in_request(wrapper)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [closed])
    assert pid_in_request(wrapper) not in {closed, None}


def test_a_connection_left_in_a_transaction_is_not_used_again(wrapper):
    left = pid_in_request(wrapper)
    wrapper.connection.autocommit = False
    wrapper.connection.execute("SELECT 1")
    assert not wrapper.is_usable()
    assert pid_in_request(wrapper) != left


def test_requests_are_refused_at_once_after_a_failure_to_connect(wrapper, proxy):
    proxy.switch(Mode.REFUSE)
    with pytest.raises(OperationalError, match="refused"):
        pid_in_request(wrapper)
    with pytest.raises(OperationalError, match="a moment ago"):
        pid_in_request(wrapper)
    proxy.switch(Mode.PASS)
    server.forget()
    assert pid_in_request(wrapper)


def test_a_statement_whose_server_hangs_is_given_up(connect, proxy):
    hung = connect()
    proxy.switch(Mode.HANG)
    with pytest.raises(DriverError, match="does not answer"):
        hung.execute("SELECT 1")
    assert hung.closed


def test_a_slow_statement_is_waited_for(connect):
    slow = connect()
    assert slow.execute("SELECT pg_sleep(1.2), 7").fetchone()[1] == 7
    slow.close()


def test_of_many_who_wait_one_finds_out_that_the_server_is_away(connect, proxy, monkeypatch):
    hung = [connect() for _ in range(8)]
    proxy.switch(Mode.HANG)
    probes, probe = [], breaker._probe
    monkeypatch.setattr(breaker, "_probe", lambda *where: probes.append(where) or probe(*where))

    def give_up(each):
        with pytest.raises(DriverError):
            each.execute("SELECT 1")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(give_up, hung))
    assert 1 <= len(probes) < len(hung)  # each takes a second, and its result holds for all


def test_after_a_failure_one_tries_while_the_others_are_refused(monkeypatch):
    known = Server()
    known.lost(DriverError("away"))
    assert not known.may_connect()
    monkeypatch.setattr("foodfleet.core.database.postgres.server.monotonic", lambda: time.monotonic() + 1)
    assert [known.may_connect() for _ in range(3)] == [True, False, False]
    known.found()
    assert [known.may_connect() for _ in range(3)] == [True, True, True]


TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def timeouts_of(got):
    return [got.execute(f"SHOW {name}").fetchone()[0] for name in TIMEOUTS]


def test_sessions_have_time_outs_but_in_migrations_and_no_parallel_workers():
    fresh = driver.connect(**connection.get_connection_params())
    assert timeouts_of(fresh) == ["30s", "1min", "1min"]  # lock_timeout: foodfleet/tests/environment.py
    assert fresh.execute("SHOW max_parallel_workers_per_gather").fetchone()[0] == "0"
    fresh.close()
    pre_migrate.send(sender=apps.get_app_config("core"), using="default", verbosity=0, interactive=False)
    assert timeouts_of(connection.connection) == ["0", "0", "0"]
    connection.connection.close()  # no other test has it
    connection.close()
