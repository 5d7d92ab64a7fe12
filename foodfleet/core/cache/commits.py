"""Announce what a transaction invalidated, around its commit. See `coherent`."""

from collections.abc import Callable
from time import sleep
from typing import Any

from django.conf import settings
from django.db import transaction

from foodfleet.core.cache import announcements, lease, shared
from foodfleet.core.cache.changes import ALL, OPEN_SECONDS, changes, clock
from foodfleet.core.database.commits import invalidated
from foodfleet.core.models import CacheVersion

MOST_KEYS = 1_000  # of one announcement; more are announced as ALL


_count = 0


def invalidate(*keys: str) -> None:
    """Make every process drop values that depend on `keys` when the transaction commits.

    Call it in the transaction that changes the data.
    """
    global _count
    _count += 1
    if keys and settings.REDIS_URL:
        with transaction.atomic():
            invalidated.keys |= frozenset(keys)


def local_invalidations() -> int:
    """Return how often this process invalidated something: a caller that remembers values compares it."""
    return _count


def announced(keys: frozenset[str], commit: Callable[[], None]) -> None:
    """Commit, and return when every process has applied the invalidation of `keys`."""
    change = Change(keys if len(keys) <= MOST_KEYS else frozenset({ALL}))
    change.announce()
    commit()  # an exception does not prove that it failed: the change stays open and expires
    while not change.finish():
        change.announce()
        commit()


class Change:
    """The change of one transaction: announced before the commit, finished after it."""

    def __init__(self, keys: frozenset[str]) -> None:
        self._keys = keys
        self._opening: announcements.Opening | None = None
        self._opened_at = 0.0
        self._silent: set[str] = set()
        self._in_database = False
        self._writer = lease.own.member

    def announce(self) -> None:
        """Return when no process uses a value of these keys; without Redis, record the change in the transaction."""
        changes.open(self, self._keys)
        self._opened_at = clock()
        redis = shared.reachable()
        try:
            if redis is not None:
                self._announce(redis)
                return
        except shared.UNREACHABLE:
            shared.lost(used_for="invalidation")
        CacheVersion.objects.replace(lease.OUTAGE)
        self._in_database = True

    def finish(self) -> bool:
        """Allow the keys to be cached again, after the commit. Returns False if the announcement was lost."""
        if self._in_database:
            sleep(lease.WAIT_SECONDS)  # until every process has seen the record or lost its lease
        elif self._opening is not None and not self._close(self._opening):
            return False
        changes.close(self)
        return True

    def _announce(self, redis: Any) -> None:
        self._opening = announcements.open_change(redis, self._keys, writer=self._writer)
        if self._opening is not None:
            until = clock() + lease.WAIT_SECONDS
            self._silent = announcements.wait_for(redis, self._opening, until=until)

    def _close(self, opening: announcements.Opening) -> bool:
        redis = shared.reachable()
        try:
            if redis is None:
                return False
            number = announcements.close_change(redis, opening, writer=self._writer, silent=self._silent)
        except shared.UNREACHABLE:
            shared.lost(used_for="invalidation")
            return False
        # Another process forgets an announcement after OPEN_SECONDS, or does not read it after LOG_LENGTH others.
        is_kept = number is not None and number - opening.number < announcements.LOG_LENGTH / 2
        return is_kept and clock() - self._opened_at < OPEN_SECONDS / 2
