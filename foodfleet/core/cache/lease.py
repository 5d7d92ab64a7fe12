"""The lease under which this process may use cached values. See `coherent`."""

import atexit
import os
from secrets import token_hex
from threading import Event, Lock, Thread
from typing import Any

import structlog
from django.conf import settings
from django.db import connection

from foodfleet.core.cache import announcements, shared
from foodfleet.core.cache.announcements import Entry
from foodfleet.core.cache.changes import ALL, changes, clock
from foodfleet.core.models import CacheVersion

logger = structlog.get_logger(__name__)

LEASE_SECONDS = 1.5  # from the sending of a renewal
WAIT_SECONDS = 1.6  # after which every earlier lease has ended, with a margin for clocks of different speed
RENEW_SECONDS = 0.3
JOIN_SECONDS = 0.001  # a new member does not wait for entries
DATABASE_SECONDS = 0.5  # between two queries for changes that were made without Redis
OUTAGE = "redis-outage"  # the cache version that such changes replace


class Lease:
    """A lease that two threads renew: one reads the announcements in Redis, one queries the database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.member = token_hex(8)
        self.until = 0.0
        self._ends = {"redis": 0.0, "database": 0.0}
        self._lock = Lock()
        self._stopped = Event()

    def start(self) -> None:
        """Begin to renew."""
        for target in (self._follow, self._watch_database):
            Thread(target=target, name=f"lease{target.__name__}", daemon=True).start()

    def stop(self) -> None:
        """End the lease, and remove it from the registry if Redis is reachable."""
        with self._lock:
            self._stopped.set()
            self.until = 0.0
        redis = shared.new_client(self.url)
        try:
            announcements.leave(redis, self.member)
        except shared.UNREACHABLE:
            pass  # the next writer waits WAIT_SECONDS instead
        finally:
            redis.close()

    def _extend(self, source: str, sent: float) -> None:
        with self._lock:
            if not self._stopped.is_set():
                self._ends[source] = sent + LEASE_SECONDS
                self.until = min(self._ends.values())

    def _follow(self) -> None:
        redis = shared.new_client(self.url)
        follower, reached = Follower(redis, self.member, self._stopped), True
        while not self._stopped.is_set():
            sent = clock()
            try:
                if follower.renew():
                    self._extend("redis", sent)
                reached = True
            except shared.UNREACHABLE:
                if reached:
                    logger.warning("shared_cache_unreachable", used_for="lease")
                reached = False
                self._stopped.wait(RENEW_SECONDS)
            changes.expire()
        redis.close()

    def _watch_database(self) -> None:
        known: str | None = ""
        while not self._stopped.is_set():
            sent = clock()
            try:
                found = CacheVersion.objects.version_of(OUTAGE)
                if found != known:
                    known = found
                    changes.clear()
                self._extend("database", sent)
            except Exception as error:  # noqa: BLE001  the lease ends; requests report the database's error
                logger.debug("lease_not_renewed", error=type(error).__name__)
                connection.close()
            self._stopped.wait(DATABASE_SECONDS)
        connection.close()


class Follower:
    """Applies the announcements of other processes in order."""

    def __init__(self, redis: Any, member: str, stopped: Event) -> None:
        self._redis, self._member, self._stopped = redis, member, stopped
        self._token, self._since = "", 0.0  # the registry that this process is in, and since when
        self._last = 0
        self._wait = JOIN_SECONDS
        self._to_acknowledge: list[tuple[str, int]] = []

    def renew(self) -> bool:
        """Apply new announcements. Returns whether this process knows all changes now."""
        token, number, entries = announcements.renew(
            self._redis,
            self._member,
            complete=self._token if clock() > self._since + WAIT_SECONDS else "",
            acknowledged=self._to_acknowledge,
            after=self._last,
            wait=self._wait,
        )
        self._to_acknowledge = []
        if self._stopped.is_set():
            return False
        if token != self._token:  # this process has just started, or Redis lost what was announced
            self._token, self._since, self._last, self._wait = token, clock(), 0, JOIN_SECONDS
            changes.clear()
            return False
        self._wait = RENEW_SECONDS
        if self._misses_some(number, entries):  # a change may be open that this process does not know
            changes.open(object(), frozenset({ALL}))
        opened = {entry.number for entry in entries if self._apply(entry)}
        opened -= {entry.change for entry in entries if not entry.keys}
        self._to_acknowledge = [(token, each) for each in sorted(opened)]
        self._last = max(number, entries[-1].number if entries else 0, self._last)
        return bool(token)

    def _misses_some(self, number: int, entries: list[Entry]) -> bool:
        if not entries:
            return number > self._last
        return entries[-1].number < number or bool(self._last and entries[0].number > self._last + 1)

    def _apply(self, entry: Entry) -> bool:
        """Apply one entry. Returns whether it has to be acknowledged."""
        if entry.writer == announcements.MEMBER + self._member:
            return False  # the thread that writes applies it
        if entry.keys:
            changes.open((self._token, entry.change), entry.keys)
        else:
            changes.close((self._token, entry.change))
        return bool(entry.keys)


own = Lease("")  # the lease of this process; without a URL it never starts
_starting = Lock()


def ensure_started() -> bool:
    """Start the lease of this process unless it is running. Returns False without Redis."""
    if own.url != settings.REDIS_URL:
        with _starting:
            if own.url != settings.REDIS_URL:
                _replace()
    return bool(own.url)


def _replace() -> None:
    global own
    former, own = own, Lease(settings.REDIS_URL)
    changes.clear()
    if former.url:
        former.stop()
    if own.url:
        own.start()


def _after_fork() -> None:
    global own, _starting
    own, _starting = Lease(""), Lock()
    changes.after_fork()


def _at_exit() -> None:
    if own.url:
        own.stop()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
