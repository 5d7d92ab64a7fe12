"""Turns at speaking to a provider: so many at once, and none on a leave that has grown old.

Gateways say `begin()` at the last moment before they ask the provider to send. A turn ends when whoever handed it out
says so, which is not before the outcome is committed: what may be sent twice after a crash is never more than there
are turns. Who has more threads than turns keeps the line busy, since the next mails are written meanwhile.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic

_of_thread = threading.local()


class LeaveExpiredError(Exception):
    """The leave to send is too old: it was given for a moment that has passed. Nothing was sent."""


class Line:
    """So many turns at once."""

    def __init__(self, turns: int) -> None:
        self._turns = threading.Semaphore(turns)
        self._is_closed = False
        self.lease_ends = inf  # of all that stand in it, by `monotonic`; whoever renews it moves it on

    @contextmanager
    def joined(self, until: float = inf, note: Callable[[], bool] | None = None) -> Iterator["Turn"]:
        """For as long as this lasts, `begin` in this thread begins the turn, which somebody has to end.

        until: when the leave to send ends (by `monotonic`). note: called once the turn has begun, to record that the
        message is about to be sent; False where it must not be sent.
        """
        turn = _of_thread.turn = Turn(self, until, note)
        try:
            yield turn
        finally:
            _of_thread.turn = None

    def close(self) -> None:
        """Nobody has a turn any more: who waits for one is refused."""
        self._is_closed = True
        self.free()

    def wait(self) -> None:
        """Take a place. Raises LeaveExpiredError where the line is closed."""
        self._turns.acquire()
        if self._is_closed:
            self.free()  # for whoever waits behind
            raise LeaveExpiredError

    def free(self) -> None:
        """Give a place to the next."""
        self._turns.release()


class Turn:
    """One thread's place in a line."""

    def __init__(self, line: Line, until: float, note: Callable[[], bool] | None = None) -> None:
        self._line, self._until, self._note, self._has_begun = line, until, note, False

    def begin(self) -> None:
        """Wait for the turn. Raises LeaveExpiredError."""
        if not self._has_begun:
            self._line.wait()
            self._has_begun = True
            self._check_time()
            if self._note is not None and not self._note():
                raise LeaveExpiredError
        self._check_time()

    def _check_time(self) -> None:
        if monotonic() > min(self._until, self._line.lease_ends):
            raise LeaveExpiredError

    def end(self) -> None:
        """The next may have it."""
        if self._has_begun:
            self._has_begun = False
            self._line.free()


def begin(**kwargs: object) -> None:
    """Wait for the turn of this thread, if it stands in a line. Raises LeaveExpiredError. kwargs: of boto3's events."""
    turn: Turn | None = getattr(_of_thread, "turn", None)
    if turn is not None:
        turn.begin()
