"""Turns at speaking to a provider: so many at once, and none on a leave that has grown old.

Gateways say `begin()` at the last moment before the network. Who has more senders than turns keeps the line busy while
some of them still write a mail or already note what came of one.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

_of_thread = threading.local()


class LeaveExpiredError(Exception):
    """The leave to send is too old: it was given for a moment that has passed. Nothing was sent."""


class Line:
    """So many turns at once."""

    def __init__(self, turns: int) -> None:
        self._turns = threading.BoundedSemaphore(turns)

    @contextmanager
    def joined(self, until: float | None) -> Iterator[None]:
        """For as long as this lasts, `begin` in this thread takes a turn. until: when leave ends (by `monotonic`)."""
        turn = _of_thread.turn = _Turn(self._turns, until)
        try:
            yield
        finally:
            _of_thread.turn = None
            turn.end()


class _Turn:
    def __init__(self, turns: threading.BoundedSemaphore, until: float | None) -> None:
        self._turns, self._until, self._has_begun = turns, until, False

    def begin(self) -> None:
        if not self._has_begun:
            self._turns.acquire()
            self._has_begun = True
        if self._until is not None and monotonic() > self._until:
            raise LeaveExpiredError

    def end(self) -> None:
        if self._has_begun:
            self._has_begun = False
            self._turns.release()


def end(**kwargs: object) -> None:
    """The provider has answered: the next may have this thread's turn. Said or not, it ends with `joined`."""
    turn: _Turn | None = getattr(_of_thread, "turn", None)
    if turn is not None:
        turn.end()


def begin(**kwargs: object) -> None:
    """Wait for the turn of this thread, if it stands in a line. Raises LeaveExpiredError. kwargs: of boto3's events."""
    turn: _Turn | None = getattr(_of_thread, "turn", None)
    if turn is not None:
        turn.begin()
