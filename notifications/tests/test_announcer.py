"""Workers are called without making anybody wait for a broker."""

import time
from threading import Event

import pytest
from kombu.exceptions import OperationalError

from notifications.receivers import announcer as announcing
from notifications.receivers.announcer import Announcer
from notifications.states import Channel, Priority

CODE, BULK = (Channel.EMAIL, Priority.CODE), (Channel.EMAIL, Priority.BULK)


def timed(call, *arguments):
    began = time.monotonic()
    call(*arguments)
    return time.monotonic() - began


def test_a_call_is_published_before_its_caller_goes_on():
    published = []
    announcer = Announcer(published.append)
    announcer.announce(CODE)
    announcer.announce(BULK)
    assert published == [CODE, BULK]


def test_nobody_waits_long_for_a_broker_that_hangs(monkeypatch):
    monkeypatch.setattr(announcing, "LONGEST_WAIT", 0.2)
    hangs = Event()
    announcer = Announcer(lambda priority: hangs.wait(10))
    waits = [timed(announcer.announce, CODE) for _ in range(5)]
    hangs.set()
    assert waits[0] < 1
    assert sum(waits[1:]) < 0.2


@pytest.mark.parametrize("error", [OperationalError("away"), ConnectionRefusedError()])
def test_a_broker_that_was_away_is_not_asked_again_at_once(error):
    tries = []

    def publish(priority):
        tries.append(priority)
        raise error

    announcer = Announcer(publish)
    for _ in range(3):
        announcer.announce(CODE)
    assert len(tries) == 1
    announcer.forget_failure()
    announcer.announce(CODE)
    assert len(tries) <= 2


def test_after_a_failure_nobody_waits_for_the_next_try(monkeypatch):
    monkeypatch.setattr(announcing, "PAUSE_SECONDS", 0)
    hangs, tries = Event(), []

    def publish(priority):
        tries.append(priority)
        if len(tries) == 1:
            raise OperationalError("away")
        hangs.wait(10)

    announcer = Announcer(publish)
    announcer.announce(CODE)
    assert timed(announcer.announce, CODE) < 0.5
    hangs.set()
