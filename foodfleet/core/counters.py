"""How often did this happen in this window? Counted for all processes together."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import time

from foodfleet.core import shared_cache
from foodfleet.core.models import RateCounter


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
    redis = shared_cache.reachable()
    if redis is None:
        return None
    name = shared_cache.key("count", key, window)
    try:
        with redis.pipeline(transaction=True) as pipeline:
            pipeline.incr(name)
            pipeline.expire(name, seconds + 1)
            return int(pipeline.execute()[0])
    except shared_cache.UNREACHABLE:
        shared_cache.lost(used_for="counters")
        return None


def purge_expired(now: datetime) -> int:
    """Remove counters whose window is over; returns how many."""
    return RateCounter.objects.expired(now).delete()[0]
