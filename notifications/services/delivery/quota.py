"""The provider's rate, kept by all workers together (services/grants.py), in recipients.

A higher lane finds tokens that a lower one has to leave: bulk takes from a full bucket alone, so a code finds one in
it, or is the first to get the next.
"""

import time

import structlog
from django.conf import settings

from foodfleet.core.cache import shared
from notifications.exceptions import DeliveryError, MisconfiguredDeliveryError
from notifications.gateways import ses
from notifications.services.delivery import rate_limiter
from notifications.states import Channel, Priority

logger = structlog.get_logger(__name__)

SNS_PER_SECOND = 20.0  # Amazon's default for texts; SNS has no call that tells it
UNKNOWN_PER_SECOND = 14.0  # while SES does not tell: its default outside of the sandbox; more is throttled, not lost
QUOTA_KNOWN_FOR = 600.0  # seconds
ASK_AGAIN_AFTER = 60.0  # seconds, where SES could not be asked
LEAVE_LASTS = (
    rate_limiter.WINDOW - 1
) / 2  # seconds until it must be used; the other half is for the way to the provider
LEFT_FREE = {Priority.CODE: 0.0, Priority.TRANSACTIONAL: 0.5, Priority.BULK: 1.0}  # of the burst, for lanes above


# What SES said, by the account's region and address, and until when (by `monotonic`) it need not be asked again.
_known: dict[tuple[str, str], tuple[float | None, float]] = {}
_told_denied: set[tuple[str, str]] = set()


class Quota:
    """What may be sent a second."""

    def take(self, channel: Channel, recipients: int, priority: Priority) -> float:
        """Take leave for a message and return 0, or take none and return the seconds after which to ask again."""
        rate = self.rate(channel)
        if rate is None:
            return 0.0
        return _ask(channel, _request(rate, recipients, priority)).wait

    def rate(self, channel: Channel) -> float | None:
        """Recipients a second, or None where nothing limits them."""
        if channel == Channel.SMS:
            return settings.SMS_MAX_PER_SECOND or (SNS_PER_SECOND if settings.SMS_URL.startswith("sns") else None)
        if settings.EMAIL_MAX_PER_SECOND or not settings.EMAIL_URL.startswith("amazonses"):
            rate: float | None = settings.EMAIL_MAX_PER_SECOND
            return rate
        account = settings.AWS_REGION, settings.AWS_ENDPOINT_URL
        known, until = _known.get(account, (UNKNOWN_PER_SECOND, 0.0))
        if time.monotonic() >= until:
            known, lasts = _asked_of_ses(account, known)
            _known[account] = known, time.monotonic() + lasts
        return known


def _asked_of_ses(account: tuple[str, str], known: float | None) -> tuple[float | None, float]:
    """The rate, and for how many seconds to go by it. known: what to go by where SES does not tell."""
    try:
        return ses.max_per_second(), QUOTA_KNOWN_FOR
    except MisconfiguredDeliveryError as error:  # without the right to ask: told once, for it stays so
        if account not in _told_denied:
            _told_denied.add(account)
            logger.warning("ses_quota_unknown", error=str(error), assumed=known, set="EMAIL_MAX_PER_SECOND")
        return known, QUOTA_KNOWN_FOR
    except DeliveryError as error:
        logger.warning("ses_quota_unknown", error=str(error), assumed=known)
        return known, ASK_AGAIN_AFTER


def _request(rate: float, recipients: int, priority: Priority) -> rate_limiter.Request:
    burst = max(0.5, rate / 20)
    need = 1 + LEFT_FREE[priority] * burst
    return rate_limiter.Request(rate, recipients, need, capacity=1 + burst, is_urgent=priority == Priority.CODE)


def _ask(channel: Channel, request: rate_limiter.Request) -> rate_limiter.Answer:
    redis = shared.reachable()
    if redis is not None:
        try:
            return rate_limiter.ask_redis(redis, channel, request)
        except shared.UNREACHABLE:
            shared.lost(used_for="quota")
    return rate_limiter.ask_database(channel, request)
