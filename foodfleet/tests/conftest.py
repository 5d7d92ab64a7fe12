"""Fixtures for tests from the outside."""

import pytest

from foodfleet.tests import processes


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
