"""What tests of whole processes share."""

from urllib.parse import urlsplit

import psycopg
import pytest
from kombu import Connection

from foodfleet.celery import app
from foodfleet.tests import environment, processes

ADMIN_URL = urlsplit(environment.POSTGRES_URL)._replace(path="/postgres").geturl()
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
def postgres_url():
    """An empty database of its own."""
    parts = urlsplit(environment.POSTGRES_URL)
    name = f"{parts.path.lstrip('/')}_whole_{environment.WORKER}"
    with psycopg.connect(ADMIN_URL, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    yield parts._replace(path=f"/{name}").geturl()
    with psycopg.connect(ADMIN_URL, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


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
