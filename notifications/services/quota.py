"""The provider's rate, kept by all workers together: a token bucket, counted in recipients.

A higher lane finds tokens that a lower one has to leave: bulk takes only from a bucket that is more than half full, so
a code never waits behind it. The bucket and what flows into it in a second together are the provider's rate.
"""

import time
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import transaction

from foodfleet.core import shared_cache
from notifications.exceptions import DeliveryError
from notifications.gateways import ses
from notifications.models import RateBucket
from notifications.states import Channel, Priority

logger = structlog.get_logger(__name__)

SNS_PER_SECOND = 20.0  # Amazon's default for texts; SNS has no call that tells it
SANDBOX_PER_SECOND = 1.0  # while SES does not tell
QUOTA_KNOWN_FOR = 600.0  # seconds
LEFT_FREE = {Priority.CODE: 0.0, Priority.TRANSACTIONAL: 0.25, Priority.BULK: 0.5}  # of the bucket, for lanes above

TAKE = """
local now = redis.call('TIME')
local t = tonumber(now[1]) + tonumber(now[2]) / 1000000
local capacity, refill, need, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local kept = redis.call('HMGET', KEYS[1], 'level', 'at')
local level, at = tonumber(kept[1]) or capacity, tonumber(kept[2]) or t
level = math.min(capacity, level + math.max(0, t - at) * refill)
local wait = 0
if level >= need then level = level - cost else wait = (need - level) / refill end
redis.call('HSET', KEYS[1], 'level', string.format('%.6f', level), 'at', string.format('%.6f', t))
redis.call('EXPIRE', KEYS[1], 3600)
return string.format('%.6f', wait)
"""


@dataclass(frozen=True)
class _Terms:
    capacity: float
    refill: float  # a second
    need: float
    cost: float

    @classmethod
    def of(cls, rate: float, recipients: int, priority: Priority) -> "_Terms":
        capacity = max(1.0, rate / 10)
        refill = rate - capacity if rate >= 2 else rate
        need = min(recipients, capacity / 2) + LEFT_FREE[priority] * capacity
        return cls(capacity, refill, need, recipients)


class Quota:
    """What may be sent a second. One for each drain: it remembers what SES said of the rate."""

    def __init__(self) -> None:
        self._rates: dict[Channel, tuple[float | None, float]] = {}

    def take(self, channel: Channel, recipients: int, priority: Priority) -> float:
        """Take tokens for a message and return 0, or take none and return the seconds after which to ask again."""
        rate = self.rate(channel)
        if rate is None:
            return 0.0
        terms = _Terms.of(rate, recipients, priority)
        redis = shared_cache.client()
        if redis is not None:
            try:
                name = shared_cache.key("rate", channel)
                return float(redis.eval(TAKE, 1, name, terms.capacity, terms.refill, terms.need, terms.cost))
            except shared_cache.UNREACHABLE:
                logger.warning("shared_cache_unreachable", used_for="quota")
        return _take_in_database(channel, terms)

    def rate(self, channel: Channel) -> float | None:
        """Recipients a second, or None where nothing limits them."""
        if channel == Channel.SMS:
            return settings.SMS_MAX_PER_SECOND or (SNS_PER_SECOND if settings.SMS_URL.startswith("sns") else None)
        if settings.EMAIL_MAX_PER_SECOND or not settings.EMAIL_URL.startswith("amazonses"):
            rate: float | None = settings.EMAIL_MAX_PER_SECOND
            return rate
        known, until = self._rates.get(channel, (None, 0.0))
        if time.monotonic() >= until:
            known = _asked_of_ses()
            self._rates[channel] = known, time.monotonic() + QUOTA_KNOWN_FOR
        return known


def _asked_of_ses() -> float | None:
    try:
        return ses.max_per_second()
    except DeliveryError as error:
        logger.warning("ses_quota_unknown", error=str(error), assumed=SANDBOX_PER_SECOND)
        return SANDBOX_PER_SECOND


def _take_in_database(channel: Channel, terms: _Terms) -> float:
    now = time.time()
    with transaction.atomic():
        RateBucket.objects.get_or_create(name=channel, defaults={"level": terms.capacity, "at": now})
        bucket = RateBucket.objects.select_for_update().get(name=channel)
        level = min(terms.capacity, bucket.level + max(0.0, now - bucket.at) * terms.refill)
        wait = 0.0 if level >= terms.need else (terms.need - level) / terms.refill
        bucket.level, bucket.at = (level if wait else level - terms.cost), now
        bucket.save(update_fields=["level", "at"])
    return wait
