"""A semaphore for calls to a provider, which also refuses a call whose permit or lease has ended.

A gateway calls `acquire()` just before it calls the provider. The dispatcher releases the slot when the outcome is
committed, so that after a crash at most as many messages as there are slots may be sent twice. A dispatcher has more
threads than slots: the others build the next e-mails meanwhile.
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
        self.lease_ends = inf  # of all claimed messages, by `monotonic`; renewing the leases updates it

    @contextmanager
    def slot(self, until: float = inf, confirm: Callable[[], bool] | None = None) -> Iterator["Slot"]:
        """Prepare a slot for `acquire` in this thread. The caller releases it.

        until: the end of the permit, by `monotonic`. confirm: called after the slot was acquired, to record that
        sending starts; it returns False if the message must not be sent.
        """
        slot = _of_thread.slot = Slot(self, until, confirm)
        try:
            yield slot
        finally:
            _of_thread.slot = None

    def close(self) -> None:
        """Make all threads that wait for a slot, now or later, raise PermitExpiredError."""
        self._is_closed = True
        self.release()

    def acquire(self) -> None:
        """Wait for a slot. Raises PermitExpiredError once the semaphore is closed."""
        self._semaphore.acquire()
        if self._is_closed:
            self.release()  # wakes the next waiting thread
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
    """Wait for the slot of this thread, if it is a sender thread. kwargs: of boto3's events.

    Raises PermitExpiredError.
    """
    slot: Slot | None = getattr(_of_thread, "slot", None)
    if slot is not None:
        slot.acquire()
