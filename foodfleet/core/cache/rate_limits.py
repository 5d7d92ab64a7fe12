"""How often did this happen lately? Counted for all processes together.

`hit` counts cheaply, by windows that stand still: across the edge of two, twice the limit may pass. `admit` counts
exactly, by a window that slides: for what costs money or fills somebody's mailbox.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import time

from django.db import transaction

from foodfleet.core.cache import shared
from foodfleet.core.models import RateCounter, SlidingCounter

SLICES = 60  # that a sliding window is cut into


@dataclass(frozen=True)
class Hit:
    """What one more occurrence means: is it within the limit, and if not, how many seconds to wait."""

    allowed: bool
    retry_after: float


def hit(key: str, *, limit: int, seconds: int, now: float | None = None) -> Hit:
    """Count one occurrence of `key` in the current window of `seconds` and compare it with `limit`.

    Counts in Redis where REDIS_URL is set, in the database otherwise or while Redis is away. now: Unix time.
    """
    moment = time() if now is None else now
    window = int(moment // seconds)
    ends_in = (window + 1) * seconds - moment
    count = _count_in_redis(key, window, seconds)
    if count is None:
        expires_at = datetime.fromtimestamp((window + 1) * seconds, UTC) + timedelta(seconds=1)
        count = RateCounter.objects.increment(key=key[:160], window=window, expires_at=expires_at)
    return Hit(allowed=count <= limit, retry_after=ends_in)


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


def admit(key: str, *, limit: int, seconds: int, now: float | None = None) -> Hit:
    """Count one occurrence of `key`, unless `limit` were counted within the last `seconds`; what is refused counts not.

    However they fall, no stretch of `seconds` holds more than `limit`. What was counted is forgotten by the slice (a
    60th of the window), and so up to a slice late, never early. now: Unix time.

    Kept in the database, with Redis too: what money is spent by must not be forgotten with a cache. Counts in the
    caller's transaction, where there is one: who counts the same key waits for its end, and what it rolls back was not
    counted.
    """
    moment = time() if now is None else now
    width = seconds / SLICES
    current = int(moment // width)
    with transaction.atomic():
        expires_at = datetime.fromtimestamp(moment + seconds + width, UTC)
        kept = SlidingCounter.objects.held(key[:160], expires_at=expires_at)
        counted = {int(at): count for at, count in kept.slices.items() if int(at) >= current - SLICES}
        full_until = _full_until(counted, limit)
        if full_until is not None:
            return Hit(allowed=False, retry_after=(full_until + SLICES + 1) * width - moment)
        counted[current] = counted.get(current, 0) + 1
        kept.slices = counted
        kept.save(update_fields=["slices"])
    return Hit(allowed=True, retry_after=0.0)


def _full_until(counted: dict[int, int], limit: int) -> int | None:
    """The slice that has to be forgotten before one more fits under `limit`; None where it does now."""
    left = sum(counted.values())
    for at in sorted(counted):
        if left < limit:
            return None
        left -= counted[at]
        if left < limit:
            return at
    return None


def purge_expired(now: datetime) -> int:
    """Remove counters that count no more; returns how many."""
    return RateCounter.objects.expired(now).delete()[0] + SlidingCounter.objects.expired(now).delete()[0]
