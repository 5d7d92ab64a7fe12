"""Leave to send, given so that all workers together keep a rate: in Redis, or in the database without it.

Two rules, both in recipients. The pace: a bucket of a few tokens that fills at the rate, so that sending is even and
whoever is in a hurry never waits long. The window: in no stretch of WINDOW seconds is leave given for more than the
rate. That is longer than the second that a provider counts, because what was granted evenly arrives unevenly: as long
as a message reaches the provider within WINDOW - 1 seconds of its leave, no second there holds more than the rate.

A mail to many waits until enough of the window is free. Meanwhile smaller ones leave it room, or it would wait
for ever.
"""

import math
import time
from dataclasses import dataclass

from django.db import connection, transaction

from foodfleet.core.cache import shared
from notifications.models import RateBucket

WINDOW = 1.2  # seconds; how late something may arrive, and what that costs of the rate
SLOT = 0.05  # seconds that are counted as one
MORE_THAN_ROUNDING = 1e-9
SHORTEST_WAIT = 0.001  # seconds: one that is rounded to 0 would be taken for leave


@dataclass(frozen=True)
class Request:
    """Leave for `recipients`. need: tokens that have to be there, urgent: does not make room for larger ones."""

    rate: float  # recipients a second
    recipients: int
    need: float
    capacity: float  # tokens
    is_urgent: bool = False


@dataclass(frozen=True)
class Answer:
    """wait: 0 where leave was given, else seconds, at least SHORTEST_WAIT, after which to ask again.

    at: Unix time by the shared clock.
    """

    wait: float
    at: float


# The same as `_decide`, to the line.
ASK = """
local now = redis.call('TIME')
local t = tonumber(now[1]) + tonumber(now[2]) / 1000000
local rate, recipients, need = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local capacity, urgent, window, slot = tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6]), tonumber(ARGV[7])
local level, at, held_until, held_for, recent, sum, old = capacity, t, 0, 0, {}, 0, {}
local first, ahead = math.floor((t - window) / slot), 2 * window / slot
local kept = redis.call('HGETALL', KEYS[1])
for i = 1, #kept, 2 do
  local value = tonumber(kept[i + 1])
  if kept[i] == 'level' then level = value
  elseif kept[i] == 'at' then at = value
  elseif kept[i] == 'held_until' then held_until = value
  elseif kept[i] == 'held_for' then held_for = value
  elseif tonumber(kept[i]) < first or tonumber(kept[i]) > first + ahead then old[#old + 1] = kept[i]
  else recent[#recent + 1] = {tonumber(kept[i]), value}; sum = sum + value end
end
if #old > 0 then redis.call('HDEL', KEYS[1], unpack(old)) end
local refill = rate / window
level = math.min(capacity, level + math.max(0, t - at) * refill)
local wait = false
if level < need then
  wait = (need - level) / refill
elseif held_until > t and held_until <= t + window and recipients < held_for and not urgent then
  wait = held_until - t
elseif sum > 0 and sum + recipients > rate + 1e-9 then
  table.sort(recent, function(a, b) return a[1] < b[1] end)
  local left = sum
  for _, entry in ipairs(recent) do
    left = left - entry[2]
    wait = (entry[1] + 1) * slot + window - t
    if left == 0 or left + recipients <= rate + 1e-9 then break end
  end
  if recipients > 1 and (held_until <= t or held_until > t + window or recipients > held_for) then
    redis.call('HSET', KEYS[1], 'held_until', string.format('%.6f', t + window), 'held_for', recipients)
  end
else
  level = level - recipients
  redis.call('HINCRBY', KEYS[1], string.format('%d', math.floor(t / slot)), recipients)
  if recipients >= held_for then redis.call('HDEL', KEYS[1], 'held_until', 'held_for') end
end
redis.call('HSET', KEYS[1], 'level', string.format('%.6f', level), 'at', string.format('%.6f', t))
redis.call('EXPIRE', KEYS[1], 600)
return {wait and string.format('%.6f', wait), string.format('%.6f', t)}
"""


def ask_redis(redis: object, name: str, request: Request) -> Answer:
    """Ask where all processes share a Redis. Raises what redis-py raises where it is away."""
    wait, at = redis.eval(  # type: ignore[attr-defined]
        ASK,
        1,
        shared.key("grants", name),
        request.rate,
        request.recipients,
        request.need,
        request.capacity,
        int(request.is_urgent),
        WINDOW,
        SLOT,
    )
    return _answer(wait, at)


def ask_database(name: str, request: Request) -> Answer:
    """Ask where the database is all that the processes share."""
    with transaction.atomic():
        RateBucket.objects.get_or_create(name=name, defaults={"level": request.capacity, "at": time.time()})
        bucket = RateBucket.objects.select_for_update().get(name=name)
        now = _clock()  # behind the lock: times are in the order in which leave is given
        wait = _decide(bucket, request, now)
        bucket.at = now
        bucket.save(update_fields=["at", "level", "recent", "held_until", "held_for"])
    return _answer(wait, now)


def _answer(wait: float | str | None, at: float | str) -> Answer:
    """What was decided, as told to whoever asked. wait: None where leave was given."""
    return Answer(0.0 if wait is None else max(SHORTEST_WAIT, float(wait)), float(at))


def _clock() -> float:
    """Unix time by the clock that all processes share."""
    if connection.vendor != "postgresql":
        return time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0])


def _decide(bucket: RateBucket, request: Request, now: float) -> float | None:
    """The seconds to wait, or None and the bucket has been charged."""
    first = math.floor((now - WINDOW) / SLOT)
    # A clock that was set back must not keep everybody waiting until it is as late again.
    known = range(first, first + int(2 * WINDOW / SLOT) + 1)
    recent = {int(slot): count for slot, count in bucket.recent.items() if int(slot) in known}
    refill = request.rate / WINDOW
    bucket.recent = {str(slot): count for slot, count in recent.items()}
    bucket.level = min(request.capacity, bucket.level + max(0.0, now - bucket.at) * refill)
    if bucket.level < request.need:
        return (request.need - bucket.level) / refill
    if now < bucket.held_until <= now + WINDOW and request.recipients < bucket.held_for and not request.is_urgent:
        return float(bucket.held_until - now)
    if recent and sum(recent.values()) + request.recipients > request.rate + MORE_THAN_ROUNDING:
        is_free = not now < bucket.held_until <= now + WINDOW
        if request.recipients > 1 and (is_free or request.recipients > bucket.held_for):
            bucket.held_until, bucket.held_for = now + WINDOW, request.recipients
        return _until_there_is_room(recent, request, now)
    bucket.level -= request.recipients
    slot = math.floor(now / SLOT)
    bucket.recent[str(slot)] = recent.get(slot, 0) + request.recipients
    if request.recipients >= bucket.held_for:
        bucket.held_until, bucket.held_for = 0.0, 0
    return None


def _until_there_is_room(recent: dict[int, int], request: Request, now: float) -> float:
    left, wait = sum(recent.values()), 0.0
    for slot, count in sorted(recent.items()):
        left -= count
        wait = (slot + 1) * SLOT + WINDOW - now
        if left == 0 or left + request.recipients <= request.rate + MORE_THAN_ROUNDING:
            break
    return wait
