"""Where rate_limits.py stores what it counts: one row for each key, or Redis."""

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
# KEYS: the state. ARGV: what was read ('' for nothing), what to store, for how many seconds. Returns 0 where another
# caller was faster.
SWAP = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


def in_database(key: str, expires_at: float, decide: Decide[Result], clock: Callable[[], float]) -> Result:
    """Run `decide` on the state in the database, while nobody else can. expires_at: Unix time."""
    with transaction.atomic():
        row = RateLimit.objects.lock(key, expires_at=datetime.fromtimestamp(expires_at, UTC))
        state, result = decide(row.state, clock())  # by the clock after locking: times are in the order of the rows
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
    """Run `decide` on the state in Redis by the clock of Redis; None where others were faster each time."""
    for _ in range(ATTEMPTS):
        with redis.pipeline(transaction=False) as pipeline:
            stored, (seconds, microseconds) = pipeline.get(name).time().execute()
        state, result = decide(json.loads(stored or "{}"), seconds + microseconds / 1_000_000)
        if state is None or redis.eval(SWAP, 1, name, stored or "", json.dumps(state), lifetime):
            return result
    return None


def increment_in_redis(name: str, *, seconds: int) -> int | None:
    """Add one to a counter that lives for `seconds` and return it; None where Redis cannot be asked."""

    def increment(redis: Any) -> int:
        with redis.pipeline(transaction=True) as pipeline:
            return int(pipeline.incr(name).expire(name, seconds).execute()[0])

    count: int | None = ask_redis(increment)
    return count


def ask_redis(ask: Callable[[Any], Any]) -> Any:
    """Return what Redis answers, None where there is none or it cannot be reached."""
    redis = shared.reachable()
    if redis is None:
        return None
    try:
        return ask(redis)
    except shared.UNREACHABLE:
        shared.lost(used_for="rate_limits")
        return None
