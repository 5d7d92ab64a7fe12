"""Permits to send, so that all processes together stay within a rate: in Redis, or in the database without it.

Two rules, both in recipients. The pace: a token bucket with a small burst that refills at the rate, so that sending is
even and a high priority never waits long. The window: in no WINDOW seconds are permits given for more than the rate.
The window is longer than the second that a provider counts, because messages with even permits arrive unevenly: as long
as each reaches the provider within WINDOW - 1 seconds of its permit, no second there holds more than the rate.

A mail to many recipients waits until enough of the window is free. Meanwhile smaller ones are held back, or it would
wait for ever.
"""

import math
import time
from dataclasses import dataclass

from django.db import connection, transaction

from foodfleet.core.cache import shared
from notifications.models import RateBucket

WINDOW = 1.2  # seconds; 1 and how late a message may arrive
INTERVAL = 0.05  # seconds that share one counter
ROUNDING_ERROR = 1e-9
SHORTEST_WAIT = 0.001  # seconds: a wait that is rounded to 0 would be taken for a permit


@dataclass(frozen=True)
class Request:
    """Asks for a permit for `recipients`. need: tokens that must be there; is_urgent: does not wait for larger ones."""

    rate: float  # recipients a second
    recipients: int
    need: float
    capacity: float  # tokens
    is_urgent: bool = False


@dataclass(frozen=True)
class Decision:
    """wait: 0 for a permit, else seconds, at least SHORTEST_WAIT, after which to ask again. at: Unix time."""

    wait: float
    at: float


# The same algorithm as `_decide`, line by line.
ACQUIRE = """
local now = redis.call('TIME')
local t = tonumber(now[1]) + tonumber(now[2]) / 1000000
local rate, recipients, need = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local capacity, urgent, window, interval = tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6]), tonumber(ARGV[7])
local level, at, reserved_until, reserved_for, recent, sum, old = capacity, t, 0, 0, {}, 0, {}
local first, ahead = math.floor((t - window) / interval), 2 * window / interval
local stored = redis.call('HGETALL', KEYS[1])
for i = 1, #stored, 2 do
  local value = tonumber(stored[i + 1])
  if stored[i] == 'level' then level = value
  elseif stored[i] == 'at' then at = value
  elseif stored[i] == 'reserved_until' then reserved_until = value
  elseif stored[i] == 'reserved_for' then reserved_for = value
  elseif tonumber(stored[i]) < first or tonumber(stored[i]) > first + ahead then old[#old + 1] = stored[i]
  else recent[#recent + 1] = {tonumber(stored[i]), value}; sum = sum + value end
end
if #old > 0 then redis.call('HDEL', KEYS[1], unpack(old)) end
local refill = rate / window
level = math.min(capacity, level + math.max(0, t - at) * refill)
local wait = false
if level < need then
  wait = (need - level) / refill
elseif reserved_until > t and reserved_until <= t + window and recipients < reserved_for and not urgent then
  wait = reserved_until - t
elseif sum > 0 and sum + recipients > rate + 1e-9 then
  table.sort(recent, function(a, b) return a[1] < b[1] end)
  local left = sum
  for _, entry in ipairs(recent) do
    left = left - entry[2]
    wait = (entry[1] + 1) * interval + window - t
    if left == 0 or left + recipients <= rate + 1e-9 then break end
  end
  if recipients > 1 and (reserved_until <= t or reserved_until > t + window or recipients > reserved_for) then
    redis.call('HSET', KEYS[1], 'reserved_until', string.format('%.6f', t + window), 'reserved_for', recipients)
  end
else
  level = level - recipients
  redis.call('HINCRBY', KEYS[1], string.format('%d', math.floor(t / interval)), recipients)
  if recipients >= reserved_for then redis.call('HDEL', KEYS[1], 'reserved_until', 'reserved_for') end
end
redis.call('HSET', KEYS[1], 'level', string.format('%.6f', level), 'at', string.format('%.6f', t))
redis.call('EXPIRE', KEYS[1], 600)
return {wait and string.format('%.6f', wait), string.format('%.6f', t)}
"""


def acquire_in_redis(redis: object, name: str, request: Request) -> Decision:
    """Acquire a permit in Redis. Raises what redis-py raises where Redis is unreachable."""
    wait, at = redis.eval(  # type: ignore[attr-defined]
        ACQUIRE,
        1,
        shared.key("rate_limiter", name),
        request.rate,
        request.recipients,
        request.need,
        request.capacity,
        int(request.is_urgent),
        WINDOW,
        INTERVAL,
    )
    return _decision(wait, at)


def acquire_in_database(name: str, request: Request) -> Decision:
    """Acquire a permit in the database, where there is no Redis."""
    with transaction.atomic():
        RateBucket.objects.get_or_create(name=name, defaults={"level": request.capacity, "at": time.time()})
        bucket = RateBucket.objects.select_for_update().get(name=name)
        now = _clock()  # after locking: times are in the order of permits
        wait = _decide(bucket, request, now)
        bucket.at = now
        bucket.save(update_fields=["at", "level", "recent", "reserved_until", "reserved_for"])
    return _decision(wait, now)


def _decision(wait: float | str | None, at: float | str) -> Decision:
    """wait: None for a permit."""
    return Decision(0.0 if wait is None else max(SHORTEST_WAIT, float(wait)), float(at))


def _clock() -> float:
    """Unix time by the database's clock, which all processes share."""
    if connection.vendor != "postgresql":
        return time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0])


def _decide(bucket: RateBucket, request: Request, now: float) -> float | None:
    """Return the seconds to wait, or charge the bucket and return None."""
    first = math.floor((now - WINDOW) / INTERVAL)
    # Counters from the future are dropped: a clock that was set back must not block sending.
    current = range(first, first + int(2 * WINDOW / INTERVAL) + 1)
    recent = {int(interval): count for interval, count in bucket.recent.items() if int(interval) in current}
    refill = request.rate / WINDOW
    bucket.recent = {str(interval): count for interval, count in recent.items()}
    bucket.level = min(request.capacity, bucket.level + max(0.0, now - bucket.at) * refill)
    if bucket.level < request.need:
        return (request.need - bucket.level) / refill
    is_reserved = now < bucket.reserved_until <= now + WINDOW
    if is_reserved and request.recipients < bucket.reserved_for and not request.is_urgent:
        return float(bucket.reserved_until - now)
    if recent and sum(recent.values()) + request.recipients > request.rate + ROUNDING_ERROR:
        if request.recipients > 1 and (not is_reserved or request.recipients > bucket.reserved_for):
            bucket.reserved_until, bucket.reserved_for = now + WINDOW, request.recipients
        return _until_window_has_room(recent, request, now)
    bucket.level -= request.recipients
    interval = math.floor(now / INTERVAL)
    bucket.recent[str(interval)] = recent.get(interval, 0) + request.recipients
    if request.recipients >= bucket.reserved_for:
        bucket.reserved_until, bucket.reserved_for = 0.0, 0
    return None


def _until_window_has_room(recent: dict[int, int], request: Request, now: float) -> float:
    left, wait = sum(recent.values()), 0.0
    for interval, count in sorted(recent.items()):
        left -= count
        wait = (interval + 1) * INTERVAL + WINDOW - now
        if left == 0 or left + request.recipients <= request.rate + ROUNDING_ERROR:
            break
    return wait
