"""All rate limits, counted for all processes together, in one table (`RateLimit`) or, for speed, in Redis.

| function | what it limits | stored in |
|---|---|---|
| `fixed_window` | requests: cheap, but across two windows up to twice the limit may pass | Redis, else the database |
| `sliding_window` | what costs money or fills a mailbox: no period contains more than the limit | the database |
| `reserve_attempt` | guesses: counted before they are compared, with growing blocks | the database |
| `acquire` | an even rate at a provider (token_bucket.py) | Redis, else the database |
| `is_first` | repeated notices: only the first in a period is needed | Redis; None without |

Redis may lose its content, so counts that must be durable are in the database. Rows are ignored after their
`expires_at`, whenever they are deleted. Callers pass digests of personal data as keys.
"""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from time import time

from django.utils import timezone

from foodfleet.core.cache import limit_stores, shared, token_bucket
from foodfleet.core.cache.limit_stores import State
from foodfleet.core.models import RateLimit, RateLimitQuerySet

SLICES = 60  # of a sliding window
BUCKET_SECONDS = 600  # after which an unused token bucket is full
SHORTEST_WAIT = 0.001  # seconds; a wait rounded to 0 would mean a permit
BUSY_WAIT = 0.01  # seconds, if other processes changed the bucket at each attempt


@dataclass(frozen=True)
class Usage:
    """Whether one more occurrence is within the limit, and if not, how many seconds to wait."""

    allowed: bool
    retry_after: float


@dataclass(frozen=True)
class Lockout:
    """When attempts block their key: the attempt number `first` and every `every`th after it, for the next of `waits`.

    The last wait repeats. The count is reset `memory` after the last attempt, or `memory_unblocked` after it if no
    attempt has blocked yet.
    """

    first: int
    waits: tuple[timedelta, ...]
    memory: timedelta
    memory_unblocked: timedelta
    every: int = 1

    @classmethod
    def at_most(cls, attempts: int, lifetime: timedelta) -> "Lockout":
        """Allow `attempts` in all at a secret that is valid for `lifetime`."""
        return cls(first=attempts, waits=(lifetime,), memory=lifetime, memory_unblocked=lifetime)

    def blocks(self, now: datetime) -> dict[int, datetime]:
        """Return the end of the block for each count at which an attempt at `now` blocks."""
        return {self.first + self.every * number: now + wait for number, wait in enumerate(self.waits)}

    def wait_after(self, count: int) -> timedelta | None:
        """Return how long the attempt with this count blocks; None if it does not."""
        number, rest = divmod(count - self.first, self.every)
        return self.waits[min(number, len(self.waits) - 1)] if number >= 0 and rest == 0 else None


@dataclass(frozen=True)
class Attempt:
    """An attempt. count: including this one, 0 if it is refused; blocked_until: the end of a block."""

    key: str
    count: int
    blocked_until: datetime | None

    @property
    def allowed(self) -> bool:
        return self.count > 0


@dataclass(frozen=True)
class Decision:
    """A decision of `acquire`. wait: 0 for a permit, else seconds, at least SHORTEST_WAIT. at: Unix time."""

    wait: float
    at: float


def fixed_window(key: str, *, limit: int, seconds: int, now: float | None = None) -> Usage:
    """Count one occurrence of `key` in the current window of `seconds` and compare the count with `limit`.

    now: Unix time. One round trip.
    """
    timestamp = time() if now is None else now
    window = int(timestamp // seconds)
    end = (window + 1) * seconds
    count = limit_stores.increment_in_redis(shared.key("count", key, window), seconds=seconds + 1)
    if count is None:
        at, expiry = datetime.fromtimestamp(timestamp, UTC), datetime.fromtimestamp(end, UTC)
        count = RateLimit.objects.increment(f"window:{key}", now=at, expiries={1: expiry}, blocks={})
    return Usage(allowed=count is not None and count <= limit, retry_after=end - timestamp)


def sliding_window(key: str, *, limit: int, seconds: int, now: float | None = None) -> Usage:
    """Count one occurrence of `key` unless `limit` were counted within the last `seconds`.

    A rejected occurrence is not counted. No period of `seconds` contains more than `limit`. Occurrences expire in
    slices of a 60th of the window: up to one slice late, never early. now: Unix time.

    Counts in the caller's transaction if there is one: other callers with the same key wait for its end, and a rollback
    undoes the count.
    """
    timestamp = time() if now is None else now
    width = seconds / SLICES

    def decide(state: State, now: float) -> tuple[State | None, Usage]:
        current = int(now // width)
        # Slices from the future are dropped: the clock was set back, or the window was shorter before.
        within = range(current - SLICES, current + SLICES)
        counted = {int(at): count for at, count in state.items() if int(at) in within}
        full_until = _full_until(counted, limit)
        if full_until is not None:
            return None, Usage(allowed=False, retry_after=(full_until + SLICES + 1) * width - now)
        counted[current] = counted.get(current, 0) + 1
        return {str(at): count for at, count in counted.items()}, Usage(allowed=True, retry_after=0.0)

    return limit_stores.in_database(f"sliding:{key}", timestamp + seconds + width, decide, lambda: timestamp)


def used_of_window(key: str, *, seconds: int) -> int:
    """Return the number of occurrences in the sliding window of `key`, without counting one."""
    row = RateLimit.objects.filter(pk=f"sliding:{key}").first()
    first = int(time() // (seconds / SLICES)) - SLICES
    return sum(count for at, count in row.state.items() if int(at) >= first) if row is not None else 0


def reserve_attempt(key: str, policy: Lockout, *, now: datetime | None = None) -> Attempt:
    """Count an attempt before its secret is compared, unless the key is blocked. Compare only if it is `allowed`.

    Simultaneous attempts cannot exceed the policy. Commits on its own: never call it inside a transaction, whose
    rollback would undo the count.
    """
    now = now or timezone.now()
    name = f"attempts:{key}"
    expiries = {1: now + policy.memory_unblocked, policy.first: now + policy.memory}
    blocks = policy.blocks(now)
    count = RateLimit.objects.increment(name, now=now, expiries=expiries, blocks=blocks, every=policy.every)
    if count is None:
        return replace(attempts(key, now=now), count=0)
    wait = policy.wait_after(count)
    return Attempt(key, count, None if wait is None else now + wait)


def clear_attempts(*keys: str) -> None:
    """Delete the attempts and blocks of these keys."""
    RateLimit.objects.filter(key__in=[f"attempts:{key}" for key in keys]).delete()


def attempts(key: str, *, now: datetime | None = None) -> Attempt:
    """Return the count of a key and the end of its block, without counting an attempt."""
    now = now or timezone.now()
    row = RateLimit.objects.filter(key=f"attempts:{key}", expires_at__gt=now).first()
    if row is None:
        return Attempt(key, 0, None)
    blocked_until = row.blocked_until if row.blocked_until and row.blocked_until > now else None
    return Attempt(key, row.count, blocked_until)


def set_subject(key: str, subject: int | None) -> None:
    """Store the user whom a block of this key locks out, for `RateLimit.objects.blocking`."""
    RateLimit.objects.filter(key=f"attempts:{key}").update(subject=subject)


def acquire(key: str, request: token_bucket.Request) -> Decision:
    """Acquire a permit from the token bucket `key`."""

    def decide(state: State, now: float) -> tuple[State | None, Decision]:
        bucket, wait = token_bucket.decide(state, request, now)
        decision = Decision(0.0 if wait is None else max(SHORTEST_WAIT, wait), now)
        return asdict(bucket) if bucket else None, decision

    redis = shared.reachable()
    if redis is not None:
        try:
            permit = limit_stores.in_redis(redis, shared.key("bucket", key), BUCKET_SECONDS, decide)
            return permit or Decision(BUSY_WAIT, time())
        except shared.UNREACHABLE:
            shared.lost(used_for="rate_limits")
    return limit_stores.in_database(f"bucket:{key}", time() + BUCKET_SECONDS, decide, limit_stores.database_clock)


def is_first(key: str, *, seconds: float) -> bool | None:
    """Return whether this is the first call for `key` within `seconds`, or since `allow_again`; None without Redis."""
    name = shared.key("first", key)
    is_set: bool | None = limit_stores.ask_redis(lambda redis: bool(redis.set(name, 1, nx=True, ex=ceil(seconds))))
    return is_set


def allow_again(key: str) -> None:
    """Make the next call of `is_first` for `key` return True."""
    limit_stores.ask_redis(lambda redis: redis.delete(shared.key("first", key)))


def expired(now: datetime) -> RateLimitQuerySet:
    """Return the rows to delete."""
    return RateLimit.objects.expired(now)


def _full_until(counted: dict[int, int], limit: int) -> int | None:
    """Return the slice that must expire before one more occurrence is within `limit`; None if it is now."""
    left = sum(counted.values())
    for at in sorted(counted):
        if left < limit:
            return None
        left -= counted[at]
        if left < limit:
            return at
    return None
