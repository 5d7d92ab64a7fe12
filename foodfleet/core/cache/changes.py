"""The changes that this process knows of. See `coherent`."""

from functools import partial
from threading import Lock
from time import CLOCK_BOOTTIME, clock_gettime

OPEN_SECONDS = 60.0  # after which the writer of an open change must have died
MOST_KEYS = 20_000
ALL = "*"  # a wildcard for all keys
NEVER = float("inf")

clock = partial(clock_gettime, CLOCK_BOOTTIME)  # unlike `monotonic` it counts while the machine is suspended


class Changes:
    """When keys changed, in ticks: a counter of this process. Readers take no lock."""

    def __init__(self) -> None:
        self.tick = 0
        self._floor: float = 0  # all values read before this tick are outdated
        self._changed: dict[str, float] = {}  # the tick of a key's last change; NEVER while one is open
        self._open: dict[object, tuple[frozenset[str], float]] = {}  # changes not committed yet, and when they expire
        self._lock = Lock()

    def since(self, tick: int, keys: tuple[str, ...]) -> bool:
        """Return whether one of `keys` changed since `tick` or is changing now."""
        changed, floor = self._changed, self._floor  # in this order: `_forget` replaces them in the other
        return any([changed.get(key, floor) > tick for key in keys])  # noqa: C419  twice as fast as a generator

    def open(self, change: object, keys: frozenset[str]) -> None:
        """Cache no value of `keys` until `change` is closed."""
        with self._lock:
            self._open[change] = (keys, clock() + OPEN_SECONDS)
            if ALL in keys:
                self._forget()
            else:
                self._changed.update(dict.fromkeys(keys, NEVER))

    def close(self, change: object) -> None:
        """Record that the change is committed: values that are read from now on may be cached."""
        with self._lock:
            self._close(change)

    def expire(self) -> None:
        """Close the changes of writers that must have died."""
        with self._lock:
            now = clock()
            for change in [change for change, (_, until) in self._open.items() if until < now]:
                self._close(change)

    def clear(self) -> None:
        """Treat all values read until now as outdated."""
        with self._lock:
            self._forget()

    def after_fork(self) -> None:
        """Reset in a forked process. The lock is replaced: another thread of the parent may have held it."""
        self._lock = Lock()
        self._forget()

    def _close(self, change: object) -> None:
        keys, _ = self._open.pop(change, (frozenset[str](), 0.0))
        if ALL in keys or len(self._changed) > MOST_KEYS:
            self._forget()
            return
        self.tick += 1
        still_open = self._open_keys()
        for key in keys - still_open:
            self._changed[key] = NEVER if ALL in still_open else self.tick

    def _forget(self) -> None:
        self.tick += 1
        still_open = self._open_keys()
        self._floor = NEVER if ALL in still_open else self.tick
        self._changed = dict.fromkeys(still_open, NEVER)

    def _open_keys(self) -> set[str]:
        return {key for keys, _ in self._open.values() for key in keys}


changes = Changes()
