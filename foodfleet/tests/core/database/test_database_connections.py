"""The connections of one process to PostgreSQL."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.db import connection
from django.db.models.signals import pre_migrate
from psycopg import OperationalError as DriverError

from foodfleet.core.database.postgres import driver
from foodfleet.core.database.postgres.pool import Pool
from foodfleet.core.database.postgres.server import Server, server
from foodfleet.tests import environment
from foodfleet.tests.proxy import Mode, Proxy

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
TARGET = urlsplit(environment.POSTGRES_URL)


@pytest.fixture
def proxy():
    proxy = Proxy(TARGET.port or 5432)
    yield proxy
    proxy.close()


@pytest.fixture
def connect(proxy):
    """Make a connection through the proxy."""

    def make():
        return driver.connect(
            host="127.0.0.1", port=proxy.port, user=TARGET.username or "", password=TARGET.password or "",
            dbname="postgres", connect_timeout=2, autocommit=True,
        )  # fmt: skip

    return make


@contextmanager
def taken(pool, connect):
    got = pool.take(connect)
    try:
        yield got
    finally:
        pool.give_back(got)


def pid_of(got):
    return got.execute("SELECT pg_backend_pid()").fetchone()[0]


def test_a_connection_is_used_again(connect):
    pool = Pool(size=2, timeout=1)
    pids = []
    for _ in range(3):
        with taken(pool, connect) as got:
            pids.append(pid_of(got))
    assert len(set(pids)) == 1


def test_no_more_than_the_size_are_in_use(connect):
    pool = Pool(size=2, timeout=0.1)
    with taken(pool, connect), taken(pool, connect), pytest.raises(DriverError, match="in use"):
        pool.take(connect)
    with taken(pool, connect) as got:
        assert pid_of(got)


def test_a_connection_that_the_server_closed_is_given_to_nobody(connect):
    pool = Pool(size=1, timeout=1)
    with taken(pool, connect) as got:
        closed = pid_of(got)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [closed])
    with taken(pool, connect) as got:
        assert pid_of(got) != closed


def test_a_connection_left_in_a_transaction_is_not_kept(connect):
    pool = Pool(size=1, timeout=1)
    with taken(pool, connect) as got:
        left = pid_of(got)
        got.autocommit = False
        got.execute("SELECT 1")
    with taken(pool, connect) as got:
        assert pid_of(got) != left


def test_a_failure_to_connect_frees_its_place(connect, proxy):
    pool = Pool(size=1, timeout=0.1)
    proxy.switch(Mode.REFUSE)
    for _ in range(3):
        server.forget()
        with pytest.raises(DriverError, match="refused"):
            pool.take(connect)
    proxy.switch(Mode.PASS)
    server.forget()
    with taken(pool, connect) as got:
        assert pid_of(got)


def test_a_statement_whose_server_hangs_is_given_up(connect, proxy):
    hung = connect()
    proxy.switch(Mode.HANG)
    began = time.monotonic()
    with pytest.raises(DriverError, match="does not answer"):
        hung.execute("SELECT 1")
    assert time.monotonic() - began < 3
    assert hung.closed


def test_a_slow_statement_is_waited_for(connect):
    slow = connect()
    assert slow.execute("SELECT pg_sleep(1.2), 7").fetchone()[1] == 7
    slow.close()


def test_of_many_who_wait_one_finds_out_that_the_server_is_away(connect, proxy):
    hung = [connect() for _ in range(8)]
    proxy.switch(Mode.HANG)
    began = time.monotonic()

    def give_up(each):
        with pytest.raises(DriverError):
            each.execute("SELECT 1")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(give_up, hung))
    assert time.monotonic() - began < 4


def test_after_a_failure_one_tries_while_the_others_are_refused(monkeypatch):
    known = Server()
    known.lost(DriverError("away"))
    assert not known.may_connect()
    monkeypatch.setattr("foodfleet.core.database.postgres.server.monotonic", lambda: time.monotonic() + 1)
    assert [known.may_connect() for _ in range(3)] == [True, False, False]
    known.found()
    assert [known.may_connect() for _ in range(3)] == [True, True, True]


def test_a_forked_process_leaves_its_parents_connections_alone():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        of_parent = cursor.fetchone()[0]
    connection.close()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                os.write(write, str(cursor.fetchone()[0]).encode())
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert int(os.read(read, 20)) != of_parent
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] == of_parent


TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def timeouts_of(got):
    return [got.execute(f"SHOW {name}").fetchone()[0] for name in TIMEOUTS]


def test_statements_and_locks_have_time_outs_but_in_migrations():
    fresh = driver.connect(**connection.get_connection_params())
    assert timeouts_of(fresh) == ["30s", "1min", "1min"]  # lock_timeout: foodfleet/tests/environment.py
    fresh.close()
    pre_migrate.send(sender=apps.get_app_config("core"), using="default", verbosity=0, interactive=False)
    assert timeouts_of(connection.connection) == ["0", "0", "0"]
    connection.connection.close()  # no other test has it
    connection.close()
