"""The stores of rate_limits.py: one row for each key, or Redis."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import time
from typing import Any, TypeVar

from django.db import connection, transaction

from foodfleet.core.cache import shared
from foodfleet.core.models import RateLimit

Result = TypeVar("Result")
State = Mapping[str, Any]
# Takes the state of a key and the Unix time; returns the new state (None: unchanged) and the result.
Decide = Callable[[State, float], tuple[State | None, Result]]

ATTEMPTS = 10  # to store a state in Redis
# Compare and set. KEYS: the state. ARGV: the value read ('' for none), the value to store, its lifetime in seconds.
# Returns 0 if another caller changed the state in between.
SWAP = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


def in_database(key: str, expires_at: float, decide: Decide[Result], clock: Callable[[], float]) -> Result:
    """Run `decide` on the state in the database, under a lock of its row. expires_at: Unix time."""
    with transaction.atomic():
        row = RateLimit.objects.lock(key, expires_at=datetime.fromtimestamp(expires_at, UTC))
        state, result = decide(row.state, clock())  # the time is read under the lock, so that times do not go back
        if state is not None:
            row.state = state
            row.save(update_fields=["state"])
    return result


def database_clock() -> float:
    """Return the Unix time by the database's clock, which all processes share."""
    if connection.vendor != "postgresql":
        return time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0])


def in_redis(redis: Any, name: str, lifetime: int, decide: Decide[Result]) -> Result | None:
    """Run `decide` on the state in Redis, by the clock of Redis; None if others changed the state at each attempt."""
    for _ in range(ATTEMPTS):
        with redis.pipeline(transaction=False) as pipeline:
            stored, (seconds, microseconds) = pipeline.get(name).time().execute()
        state, result = decide(json.loads(stored or "{}"), seconds + microseconds / 1_000_000)
        if state is None or redis.eval(SWAP, 1, name, stored or "", json.dumps(state), lifetime):
            return result
    return None


def increment_in_redis(name: str, *, seconds: int) -> int | None:
    """Increment a counter that expires after `seconds` and return it; None without a reachable Redis."""

    def increment(redis: Any) -> int:
        with redis.pipeline(transaction=True) as pipeline:
            return int(pipeline.incr(name).expire(name, seconds).execute()[0])

    count: int | None = ask_redis(increment)
    return count


def ask_redis(ask: Callable[[Any], Any]) -> Any:
    """Return the result of `ask`, which gets a client; None without a reachable Redis."""
    redis = shared.reachable()
    if redis is None:
        return None
    try:
        return ask(redis)
    except shared.UNREACHABLE:
        shared.lost(used_for="rate_limits")
        return None
