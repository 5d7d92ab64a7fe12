"""An even rate for all processes together: the algorithm. `rate_limits.acquire` stores its state.

Two rules, both in units, such as recipients. The pace: a token bucket with a small burst that refills at the rate, so
that sending is even and a high priority never waits long. The window: permits of any WINDOW seconds are for no more
units than the rate. The window is longer than the second that a provider counts, because messages with even permits
arrive unevenly: if each reaches the provider within WINDOW - 1 seconds of its permit, the provider counts no more than
the rate in any second.

A request for many units waits until the window has room for them. Smaller requests wait meanwhile, since otherwise it
might never get a permit.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

WINDOW = 1.2  # seconds: 1, and the time that a message may need to the provider
INTERVAL = 0.05  # seconds that share one counter
ROUNDING_ERROR = 1e-9


@dataclass(frozen=True)
class Request:
    """A request for a permit for `units`. need: tokens that it needs; is_urgent: it does not wait for larger ones."""

    rate: float  # units a second
    units: int
    need: float
    capacity: float  # tokens
    is_urgent: bool = False


@dataclass(frozen=True)
class Bucket:
    """The state of a bucket.

    level: tokens at the Unix time `at`, below zero after a request for many. recent: units by interval. reserved_until:
    Unix time until which the window is reserved for a request of `reserved_for` units.
    """

    level: float
    at: float
    recent: Mapping[str, int] = field(default_factory=dict)
    reserved_until: float = 0.0
    reserved_for: int = 0


def decide(state: Mapping[str, Any], request: Request, now: float) -> tuple[Bucket | None, float | None]:
    """Return the new state (None: unchanged) and the seconds to wait (None: permitted). state: {} for a new bucket."""
    bucket = Bucket(**state) if state else Bucket(request.capacity, now)
    recent = _recent(bucket, now)
    refill = request.rate / WINDOW
    level = min(request.capacity, bucket.level + max(0.0, now - bucket.at) * refill)
    if level < request.need:
        return None, (request.need - level) / refill
    is_reserved = now < bucket.reserved_until <= now + WINDOW
    if is_reserved and request.units < bucket.reserved_for and not request.is_urgent:
        return None, bucket.reserved_until - now
    if recent and sum(recent.values()) + request.units > request.rate + ROUNDING_ERROR:
        wait = _until_window_has_room(recent, request, now)
        if request.units > 1 and (not is_reserved or request.units > bucket.reserved_for):
            return replace(bucket, reserved_until=now + WINDOW, reserved_for=request.units), wait
        return None, wait
    interval = math.floor(now / INTERVAL)
    recent[interval] = recent.get(interval, 0) + request.units
    counted = Bucket(level - request.units, now, {str(at): count for at, count in recent.items()})
    if request.units >= bucket.reserved_for:
        return counted, None
    return replace(counted, reserved_until=bucket.reserved_until, reserved_for=bucket.reserved_for), None


def _recent(bucket: Bucket, now: float) -> dict[int, int]:
    """Return the counters within the window. Those from the future are dropped: the clock was set back."""
    first = math.floor((now - WINDOW) / INTERVAL)
    current = range(first, first + int(2 * WINDOW / INTERVAL) + 1)
    return {int(interval): count for interval, count in bucket.recent.items() if int(interval) in current}


def _until_window_has_room(recent: Mapping[int, int], request: Request, now: float) -> float:
    left, wait = sum(recent.values()), 0.0
    for interval, count in sorted(recent.items()):
        left -= count
        wait = (interval + 1) * INTERVAL + WINDOW - now
        if left == 0 or left + request.units <= request.rate + ROUNDING_ERROR:
            break
    return wait
