"""A cache in each process's memory that never returns outdated values, without SQL or Redis for each read.

    _sessions = coherent.Cache(size=20_000)
    session = _sessions.get(session_id, (f"user:{user_id}",), load)     # in every process
    coherent.invalidate(f"user:{user_id}")                              # in the transaction that changes the data

When the transaction's commit returns, no process uses a value that depends on the key and was loaded before. The
mechanism is leases (Gray and Cheriton, 1989); it needs Redis. Without REDIS_URL, SQLite reports whether its file has
changed since a value was loaded (`PRAGMA data_version`), and any change makes all values outdated; on PostgreSQL `get`
then calls `load` each time.

**A reader** may use a cached value only while its process holds a lease (`lease`). A thread of the process continuously
reads new announcements from Redis (`announcements`); each response extends the lease to 1.5 seconds after the request
was sent. `get` reads the clock after it found the value, so a process that was paused queries the database. The same
connection registers the process and acknowledges announcements.

**A writer** needs no lease. Just before the commit (`commits`) it announces all keys of its transaction together, waits
until every registered process has acknowledged, commits, and announces the end. In between a key is *open*: every
process queries the database and caches nothing (`changes`). A value that was loaded while its key was open or changed
is not used either. The lease of a process that does not acknowledge within 1.6 seconds has ended: the writer continues,
and removes it from the registry if it has not renewed since.

| what fails | what happens |
|---|---|
| a process ends, is paused, or cannot reach Redis | its lease runs out; one writer waits for that |
| a writer dies before its announcement | nothing was committed |
| a writer dies, or its commit fails, before the end is announced | the keys stay open for 60 seconds |
| a writer cannot reach Redis | it replaces the cache version `redis-outage` in its transaction and waits 1.6 seconds \
after the commit; each process looks at it every half second, and without that its lease runs out |
| Redis stops or hangs | leases run out, every process queries the database; writers as above |
| Redis comes back empty, with an old snapshot, or as a replica | scripts notice another `run_id` or no registry and \
make a new one; processes drop all values; writers wait 1.6 seconds, until it is older than any lease |
| that happens between announcement and commit | the writer announces again before it returns |
| Redis evicts the log | processes notice that numbers are missing and cache nothing for 60 seconds |
| a process joins during a change | it reads the log from the start and finds the key open |
| the rows are read by the transaction that changes them | `get` calls `load` for its keys; nothing loaded inside a \
transaction is cached |

An outdated value may be used, until it is `lifetime` old, only if two failures coincide: a writer dies between the
commit and the end of its announcement, and Redis loses the announcement. The mechanism also relies on clocks. The clock
of a suspended virtual machine stops, so after resumption the machine may use its values until it has read the waiting
announcements. A Redis server that lost its replicas must refuse writes (`min-replicas-to-write 1`): renewing a lease is
a write.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from threading import Lock, local
from typing import Any, Generic, NamedTuple, TypeVar

from django.conf import settings
from django.db import connection

from foodfleet.core.cache import lease
from foodfleet.core.cache.changes import changes, clock
from foodfleet.core.cache.commits import invalidate, local_invalidations
from foodfleet.core.database.commits import invalidated
from foodfleet.core.metrics.counters import Counter

__all__ = ["LIFETIME", "Cache", "invalidate", "local_invalidations"]

LIFETIME = 150.0  # seconds

Value = TypeVar("Value")
_caches: list["Cache[Any]"] = []


class _Entry(NamedTuple):
    value: Any
    tick: int
    until: float


class Cache(Generic[Value]):
    """A cache of at most `size` values, each for `lifetime` seconds. The oldest is evicted first."""

    def __init__(self, *, size: int, lifetime: float = LIFETIME, name: str = "other") -> None:
        self._size, self._lifetime, self.name = size, lifetime, name
        self.hits = self.misses = 0  # not exported yet; without a lock, at the cost of a few lost counts
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        _caches.append(self)

    def get(self, name: Hashable, keys: tuple[str, ...], load: Callable[[], Value]) -> Value:
        """Return the value of `name` if none of `keys` was invalidated since it was loaded, else `load()`.

        None is not cached, and an exception of `load` is passed on. The value is shared by threads: do not change it.
        """
        value, tick = self._find(name, keys)
        if value is not None:
            return value
        return load() if tick is None else self._load(name, load, tick)

    def known(self, name: Hashable, keys: tuple[str, ...]) -> Value | None:
        """Return what `get` would return without `load`, None if it would call that."""
        return self._find(name, keys)[0]

    def _find(self, name: Hashable, keys: tuple[str, ...]) -> tuple[Value | None, int | None]:
        """Return the value if it may be used, and the tick of one that is loaded now: None if it cannot be cached."""
        entry: _Entry | None
        if not settings.REDIS_URL:
            tick = _file_tick()
            entry = self._entries.get(name)
            if entry is None or entry.tick != tick or clock() >= entry.until:
                return None, tick
        else:
            until = lease.own.until  # read before the value; the clock is read after it
            entry = self._entries.get(name)
            if (
                entry is None
                or changes.since(entry.tick, keys)
                or clock() >= min(until, entry.until)
                or not invalidated.keys.isdisjoint(keys)
            ):
                return None, changes.tick
            tick = entry.tick
        self.hits += 1
        return entry.value, tick

    def _load(self, name: Hashable, load: Callable[[], Value], tick: int) -> Value:
        self.misses += 1
        until = clock() + self._lifetime
        value = load()
        may_cache = lease.ensure_started() if settings.REDIS_URL else True
        if value is not None and may_cache and not connection.in_atomic_block:
            self._entries.pop(name, None)
            if len(self._entries) >= self._size:
                self._entries.popitem(last=False)
            self._entries[name] = _Entry(value, tick, until)
        return value

    def drop(self, name: Hashable) -> None:
        """Drop one value in this process, as if it had expired."""
        self._entries.pop(name, None)

    def clear(self) -> None:
        """Drop all values in this process."""
        self._entries.clear()


class _Reads(Counter):
    def take(self) -> Iterator[tuple[str, float]]:
        for cache in _caches:
            hits, misses, cache.hits, cache.misses = cache.hits, cache.misses, 0, 0
            for result, count in (("hit", hits), ("miss", misses)):
                if count:
                    self.add(cache.name, result, count=count)
        return super().take()


_Reads("foodfleet_cache_reads_total", "Reads of the caches in each process's memory.", "cache", "result")


class _Seen(local):
    """The state of the SQLite file that this thread's connection saw last."""

    state: tuple[int, int, int] | None = None


_seen = _Seen()
_counting = Lock()
_latest_file_tick = 0


def _file_tick() -> int | None:
    """Return a number that grows with each change of the SQLite file; None on PostgreSQL and inside a transaction.

    A thread that sees a change makes the values of all threads outdated: each connection counts changes on its own.
    """
    global _latest_file_tick
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return None
    state = connection.file_state()  # type: ignore[attr-defined]
    if state != _seen.state:
        with _counting:
            _seen.state, _latest_file_tick = state, _latest_file_tick + 1
    return _latest_file_tick


def clear() -> None:
    """Drop all values of this process."""
    changes.clear()
    for cache in _caches:
        cache.clear()
