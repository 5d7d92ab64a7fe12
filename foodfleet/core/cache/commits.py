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

MOST_KEYS = 1_000  # of one announcement; more are announced as all


_count = 0


def invalidate(*keys: str) -> None:
    """Let no process use values that depend on `keys`, from the commit of the transaction on.

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
    """Commit, and return when every process knows what the transaction invalidated."""
    change = Change(keys if len(keys) <= MOST_KEYS else frozenset({ALL}))
    change.announce()
    commit()  # if it fails, it may yet have happened: the announcement lapses by itself
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
        self._writer = lease.held.member

    def announce(self) -> None:
        """Return when nobody uses a value of these keys; without Redis, record the change in the transaction."""
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
        """After the commit: let the keys be cached again. Return False where the announcement was lost."""
        if self._in_database:
            sleep(lease.WAIT_SECONDS)  # then every process has seen the record or lost its lease
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
