"""Calls workers without making anybody wait for a broker."""

from collections.abc import Callable
from contextvars import Context, copy_context
from threading import Lock, Thread
from time import monotonic

import structlog
from kombu.exceptions import OperationalError as BrokerError

from notifications.states import Channel, Priority

logger = structlog.get_logger(__name__)
Work = tuple[Channel, Priority]  # what workers are called to

LONGEST_WAIT = 1.0  # seconds that a caller waits for a broker, however long that takes to fail
PAUSE_SECONDS = 5.0  # in which a broker that was away is not asked again: the sweep finds what was not announced


class Announcer:
    """Publishes in a thread of its own, one queue after another.

    A caller waits until its call is published, for LONGEST_WAIT at most; not at all while the broker is known to be
    away. What could not be published is lost: the rows are committed, and beat's sweep calls for them again.
    """

    def __init__(self, publish: Callable[[Work], None]) -> None:
        self._publish = publish
        self._lock = Lock()
        self._waiting: dict[Work, Context] = {}
        self._thread: Thread | None = None
        self._began = self._paused_until = 0.0
        self._is_in_doubt = False

    def announce(self, work: Work) -> None:
        """Call a worker to a channel and priority."""
        with self._lock:
            if monotonic() < self._paused_until:
                return
            self._waiting.setdefault(work, copy_context())  # the request's id goes along
            if self._thread is None or not self._thread.is_alive():  # a fork leaves a thread that is not alive
                self._began = monotonic()
                self._thread = Thread(target=self._run, name="announcer", daemon=True)
                self._thread.start()
            thread, wait = self._thread, self._began + LONGEST_WAIT - monotonic()
        if wait > 0 and not self._is_in_doubt:
            thread.join(wait)

    def forget_failure(self) -> None:
        """Try the broker again at the next call."""
        self._paused_until, self._is_in_doubt = 0.0, False

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                work = min(self._waiting, key=lambda work: work[1])
                context = self._waiting.pop(work)
            try:
                context.run(self._publish, work)
                self._is_in_doubt = False
            except (BrokerError, OSError):
                with self._lock:
                    self._waiting.clear()
                    self._paused_until, self._is_in_doubt = monotonic() + PAUSE_SECONDS, True
                context.run(logger.warning, "broker_unreachable", channel=work[0].value, priority=work[1].name)
