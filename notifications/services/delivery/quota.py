"""The provider's sending rate in recipients a second, which all processes share (foodfleet.core.cache.token_bucket).

Tokens are reserved for higher priorities: bulk takes them only from a full bucket, so a code never waits for bulk.
"""

import time

import structlog
from django.conf import settings

from foodfleet.core.cache import rate_limits, token_bucket
from notifications.exceptions import DeliveryError, MisconfiguredDeliveryError
from notifications.states import Channel, Priority

logger = structlog.get_logger(__name__)

SNS_PER_SECOND = 20.0  # Amazon's default for SMS; SNS has no call that returns it
UNKNOWN_PER_SECOND = 14.0  # Amazon's default, until SES returns the quota; more is throttled, not lost
QUOTA_KNOWN_FOR = 600.0  # seconds
ASK_AGAIN_AFTER = 60.0  # seconds after SES did not return the quota
# Seconds until a permit must be used; the other half of the margin is for the call of the provider.
PERMIT_LIFETIME = (token_bucket.WINDOW - 1) / 2
RESERVED = {Priority.CODE: 0.0, Priority.TRANSACTIONAL: 0.5, Priority.BULK: 1.0}  # of the burst, for higher priorities

# The rate by the account's region and endpoint, and until when (by `monotonic`) it is valid.
_known: dict[tuple[str, str], tuple[float | None, float]] = {}
_logged_denied: set[tuple[str, str]] = set()


class Quota:
    """Permits at the provider's rate."""

    def acquire(self, channel: Channel, recipients: int, priority: Priority) -> float:
        """Acquire a permit for a message and return 0, or return the seconds after which to try again."""
        rate = self.rate(channel)
        if rate is None:
            return 0.0
        return rate_limits.acquire(channel, _request(rate, recipients, priority)).wait

    def rate(self, channel: Channel) -> float | None:
        """Return recipients a second, or None for no limit."""
        if channel == Channel.WEBHOOK:
            return None
        if channel == Channel.SMS:
            return settings.SMS_MAX_PER_SECOND or (SNS_PER_SECOND if settings.SMS_URL.startswith("sns") else None)
        if settings.EMAIL_MAX_PER_SECOND or not settings.EMAIL_URL.startswith("amazonses"):
            rate: float | None = settings.EMAIL_MAX_PER_SECOND
            return rate
        account = settings.AWS_REGION, settings.AWS_ENDPOINT_URL
        known, until = _known.get(account, (UNKNOWN_PER_SECOND, 0.0))
        if time.monotonic() >= until:
            known, lasts = _rate_of_ses(account, known)
            _known[account] = known, time.monotonic() + lasts
        return known


def _rate_of_ses(account: tuple[str, str], known: float | None) -> tuple[float | None, float]:
    """Return the rate, and for how many seconds it is valid. known: the rate to assume if SES does not return it."""
    from notifications.gateways import ses  # boto3: only for processes that send by it

    try:
        return ses.max_per_second(), QUOTA_KNOWN_FOR
    except MisconfiguredDeliveryError as error:  # no permission for the call: logged once, because it does not change
        if account not in _logged_denied:
            _logged_denied.add(account)
            logger.warning("ses_quota_unknown", error=str(error), assumed=known, set="EMAIL_MAX_PER_SECOND")
        return known, QUOTA_KNOWN_FOR
    except DeliveryError as error:
        logger.warning("ses_quota_unknown", error=str(error), assumed=known)
        return known, ASK_AGAIN_AFTER


def _request(rate: float, recipients: int, priority: Priority) -> token_bucket.Request:
    burst = max(0.5, rate / 20)
    need = 1 + RESERVED[priority] * burst
    return token_bucket.Request(rate, recipients, need, capacity=1 + burst, is_urgent=priority == Priority.CODE)
