"""Notify workers of queued messages, without long waits for a slow broker."""

from collections.abc import Callable
from contextvars import Context, copy_context
from threading import Lock, Thread
from time import monotonic

import structlog

from notifications.states import Channel, Priority

logger = structlog.get_logger(__name__)
Queue = tuple[Channel, Priority]

LONGEST_WAIT = 1.0  # seconds that a caller waits for the broker
PAUSE_SECONDS = 5.0  # without a try after the broker was unreachable; the sweep notifies workers instead


class WorkerNotifier:
    """Publishes tasks in a thread, one queue after another.

    A caller waits at most LONGEST_WAIT until its task is published, and not at all while the broker is known to be
    unreachable. A task that cannot be published is dropped: the rows are committed, and the sweep publishes again.
    publish: raises OSError if the broker is unreachable.
    """

    def __init__(self, publish: Callable[[Queue], None]) -> None:
        self._publish = publish
        self._lock = Lock()
        self._waiting: dict[Queue, Context] = {}
        self._thread: Thread | None = None
        self._began = self._paused_until = 0.0
        self._last_try_failed = False

    def notify(self, queue: Queue) -> None:
        """Notify a worker of messages in a channel with a priority."""
        with self._lock:
            if monotonic() < self._paused_until:
                return
            self._waiting.setdefault(queue, copy_context())  # keeps the request's id
            if self._thread is None or not self._thread.is_alive():  # after a fork the thread is not alive
                self._began = monotonic()
                self._thread = Thread(target=self._run, name="worker-notifier", daemon=True)
                self._thread.start()
            thread, wait = self._thread, self._began + LONGEST_WAIT - monotonic()
        if wait > 0 and not self._last_try_failed:
            thread.join(wait)

    def reset(self) -> None:
        """Try the broker again at the next call."""
        self._paused_until, self._last_try_failed = 0.0, False

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                queue = min(self._waiting, key=lambda queue: queue[1])
                context = self._waiting.pop(queue)
            try:
                context.run(self._publish, queue)
                self._last_try_failed = False
            except OSError:
                with self._lock:
                    self._waiting.clear()
                    self._paused_until, self._last_try_failed = monotonic() + PAUSE_SECONDS, True
                context.run(logger.warning, "broker_unreachable", channel=queue[0].value, priority=queue[1].name)
