"""A semaphore for calls to a provider, which also refuses a call whose permit or lease has ended.

A gateway calls `acquire()` just before it asks the provider to send. The dispatcher releases the slot once the outcome
is committed, so after a crash no more messages than there are slots may be sent twice. A dispatcher has more threads
than slots: the others build the next mails meanwhile.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic

_of_thread = threading.local()


class PermitExpiredError(Exception):
    """The permit or the lease of the message has ended, or it is no longer claimed. Nothing was sent."""


class SlotSemaphore:
    """A fixed number of slots."""

    def __init__(self, slots: int) -> None:
        self._semaphore = threading.Semaphore(slots)
        self._is_closed = False
        self.lease_ends = inf  # of all claimed messages, by `monotonic`; renewing the leases moves it on

    @contextmanager
    def slot(self, until: float = inf, confirm: Callable[[], bool] | None = None) -> Iterator["Slot"]:
        """Let `acquire` in this thread take a slot, which the caller releases.

        until: when the permit ends (by `monotonic`). confirm: called with the slot acquired, to record that the message
        is about to be sent; False where it must not be sent.
        """
        slot = _of_thread.slot = Slot(self, until, confirm)
        try:
            yield slot
        finally:
            _of_thread.slot = None

    def close(self) -> None:
        """Refuse every thread that waits for a slot, now and later."""
        self._is_closed = True
        self.release()

    def acquire(self) -> None:
        """Wait for a slot. Raises PermitExpiredError once the semaphore is closed."""
        self._semaphore.acquire()
        if self._is_closed:
            self.release()  # for the next thread that waits
            raise PermitExpiredError

    def release(self) -> None:
        """Give a slot back."""
        self._semaphore.release()


class Slot:
    """The slot that one thread may acquire."""

    def __init__(self, semaphore: SlotSemaphore, until: float, confirm: Callable[[], bool] | None = None) -> None:
        self._semaphore, self._until, self._confirm, self._is_acquired = semaphore, until, confirm, False

    def acquire(self) -> None:
        """Wait for the slot. Raises PermitExpiredError."""
        if not self._is_acquired:
            self._semaphore.acquire()
            self._is_acquired = True
            self._check_time()
            if self._confirm is not None and not self._confirm():
                raise PermitExpiredError
        self._check_time()

    def _check_time(self) -> None:
        if monotonic() > min(self._until, self._semaphore.lease_ends):
            raise PermitExpiredError

    def release(self) -> None:
        """Give the slot back, if it was acquired."""
        if self._is_acquired:
            self._is_acquired = False
            self._semaphore.release()


def acquire(**kwargs: object) -> None:
    """Wait for the slot of this thread, if a dispatcher gave it one. kwargs: of boto3's events.

    Raises PermitExpiredError.
    """
    slot: Slot | None = getattr(_of_thread, "slot", None)
    if slot is not None:
        slot.acquire()
