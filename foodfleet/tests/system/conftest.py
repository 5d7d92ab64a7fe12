"""Fixtures for tests of whole processes."""

import shutil

import psycopg
import pytest
import requests
from kombu import Connection

from foodfleet.celery import app
from foodfleet.tests import environment, processes
from foodfleet.tests.collector import Collector
from foodfleet.tests.databases import ADMIN_URL, copied_database

ONE_AT_THE_BROKER = 5672  # PostgreSQL's advisory lock of this number


@pytest.fixture
def start(tmp_path):
    """Start processes that end with the test; what they said last is shown where it fails."""
    running = []

    def begin(name, command, **values):
        process = processes.Process(command, tmp_path / f"{name}.log", **values)
        running.append(process)
        return process

    yield begin
    for process in reversed(running):
        process.stop()
    for process in running:
        print(f"-- {process.log.name}", *process.log.read_text(errors="replace").splitlines()[-60:], sep="\n")


@pytest.fixture
def collector():
    """What receives traces and error reports."""
    server = Collector()
    yield server
    server.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """What `make run` serves, on data of its own; gives its port."""
    folder, port = tmp_path_factory.mktemp("served"), processes.free_port()
    values = {"DATABASE_URL": f"sqlite:///{folder}/fleet.sqlite3", "DEBUG": "true", "PORT": str(port)}
    throttles = {f"THROTTLE_{scope}": "off" for scope in ("LOGIN", "REGISTER", "FORGOT")}
    command = [processes.sys.executable, "manage.py", "run_embedded", f"127.0.0.1:{port}"]
    process = processes.Process(command, folder / "run.log", **values, **throttles)
    processes.wait_until(lambda: requests.get(f"http://127.0.0.1:{port}/health/live/", timeout=5).ok, what="the start")
    process.port = port
    yield process
    process.stop()


@pytest.fixture
def sqlite_url(migrated_file, tmp_path):
    """A migrated database in a file of its own."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'fleet.sqlite3')}"


@pytest.fixture
def postgres_url(migrated_database):
    """A migrated database of its own."""
    with copied_database("whole", migrated_database) as url:
        yield url


@pytest.fixture
def empty_postgres_url():
    """A database of its own, without tables."""
    with copied_database("empty", "template1") as url:
        yield url


@pytest.fixture
def broker_url():
    """The broker, empty, and this test's alone: workers of two databases would answer each other's calls.

    To be named before `start`, so that the test's processes end before another test gets it.
    """
    with psycopg.connect(ADMIN_URL, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_THE_BROKER])
        _empty_queues()
        yield environment.BROKER_URL
        _empty_queues()


def _empty_queues():
    with Connection(environment.BROKER_URL) as connection:
        for queue in app.conf.task_queues:
            bound = queue(connection.default_channel)
            bound.declare()
            bound.purge()
