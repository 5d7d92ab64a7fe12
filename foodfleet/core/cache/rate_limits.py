"""Rate limits that count for all processes together.

`fixed_window` counts cheaply: up to twice the limit may pass across the edge of two windows. `sliding_window` counts
exactly: for what costs money or fills somebody's mailbox.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import time

from django.db import transaction

from foodfleet.core.cache import shared
from foodfleet.core.models import RateCounter, SlidingCounter

SLICES = 60  # of a sliding window


@dataclass(frozen=True)
class Usage:
    """Whether one more occurrence is within the limit, and if not, how many seconds to wait."""

    allowed: bool
    retry_after: float


def fixed_window(key: str, *, limit: int, seconds: int, now: float | None = None) -> Usage:
    """Count one occurrence of `key` in the current window of `seconds` and compare the count with `limit`.

    Counts in Redis where REDIS_URL is set, in the database otherwise or while Redis is unreachable. now: Unix time.
    """
    timestamp = time() if now is None else now
    window = int(timestamp // seconds)
    ends_in = (window + 1) * seconds - timestamp
    count = _count_in_redis(key, window, seconds)
    if count is None:
        expires_at = datetime.fromtimestamp((window + 1) * seconds, UTC) + timedelta(seconds=1)
        count = RateCounter.objects.increment(key=key[:160], window=window, expires_at=expires_at)
    return Usage(allowed=count <= limit, retry_after=ends_in)


def _count_in_redis(key: str, window: int, seconds: int) -> int | None:
    redis = shared.reachable()
    if redis is None:
        return None
    name = shared.key("count", key, window)
    try:
        with redis.pipeline(transaction=True) as pipeline:
            pipeline.incr(name)
            pipeline.expire(name, seconds + 1)
            return int(pipeline.execute()[0])
    except shared.UNREACHABLE:
        shared.lost(used_for="counters")
        return None


def sliding_window(key: str, *, limit: int, seconds: int, now: float | None = None) -> Usage:
    """Count one occurrence of `key` unless `limit` were counted within the last `seconds`.

    A rejected one is not counted. No period of `seconds` contains more than `limit`. Occurrences expire by slices, a
    60th of the window: up to one slice late, never early. now: Unix time.

    Always counts in the database, since a cache may lose its content, and in the caller's transaction if there is one:
    others who count the same key wait for its end, and a rollback undoes the count.
    """
    timestamp = time() if now is None else now
    width = seconds / SLICES
    current = int(timestamp // width)
    with transaction.atomic():
        expires_at = datetime.fromtimestamp(timestamp + seconds + width, UTC)
        counter = SlidingCounter.objects.lock(key[:160], expires_at=expires_at)
        counted = {int(at): count for at, count in counter.slices.items() if int(at) >= current - SLICES}
        full_until = _full_until(counted, limit)
        if full_until is not None:
            return Usage(allowed=False, retry_after=(full_until + SLICES + 1) * width - timestamp)
        counted[current] = counted.get(current, 0) + 1
        counter.slices = counted
        counter.save(update_fields=["slices"])
    return Usage(allowed=True, retry_after=0.0)


def _full_until(counted: dict[int, int], limit: int) -> int | None:
    """Return the slice that has to expire before one more fits under `limit`; None where it fits now."""
    left = sum(counted.values())
    for at in sorted(counted):
        if left < limit:
            return None
        left -= counted[at]
        if left < limit:
            return at
    return None


def purge_expired(now: datetime) -> int:
    """Delete expired counters; return how many."""
    return RateCounter.objects.expired(now).delete()[0] + SlidingCounter.objects.expired(now).delete()[0]
