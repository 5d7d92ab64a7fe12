"""What tests of whole processes share."""

from urllib.parse import urlsplit

import psycopg
import pytest

from foodfleet.tests import environment, processes


@pytest.fixture
def start(tmp_path):
    """Start processes that end with the test."""
    running = []

    def begin(name, command, **values):
        process = processes.Process(command, tmp_path / f"{name}.log", **values)
        running.append(process)
        return process

    yield begin
    for process in reversed(running):
        process.stop()


@pytest.fixture
def postgres_url():
    """An empty database of its own."""
    parts = urlsplit(environment.POSTGRES_URL)
    name = f"{parts.path.lstrip('/')}_whole_{environment.WORKER}"
    admin = parts._replace(path="/postgres").geturl()
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    yield parts._replace(path=f"/{name}").geturl()
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
