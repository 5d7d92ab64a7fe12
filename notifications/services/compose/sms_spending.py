"""The guard over what texts may cost: SMS pumping makes a product text to numbers that earn their owner money."""

import phonenumbers
import structlog
from django.conf import settings
from django.db import transaction

from foodfleet.core.cache import rate_limits
from notifications.exceptions import SmsLimitException

logger = structlog.get_logger(__name__)


def guard(number: str) -> None:
    """Count a text to `number`. Raises SmsLimitException where it, its country or all together have had their share.

    No hour (or whatever the setting says) holds more than the limit, wherever it begins. A refusal takes back what was
    counted before it. All together come first: whoever sends several texts in one transaction then waits for another
    who does only there, and no two for each other.
    """
    country = country_prefix(number)
    with transaction.atomic():
        for name, key in (("all", "sms"), ("country", f"sms:{country}"), ("number", f"sms:{number}")):
            limit = settings.SMS_LIMITS[name]
            if limit is None:
                continue
            count, seconds = limit
            counted = rate_limits.sliding_window(key, limit=count, seconds=seconds)
            if not counted.allowed:
                logger.error("sms_limit_reached", limit=name, per_seconds=seconds, most=count, country=country)
                raise SmsLimitException(counted.retry_after)


def country_prefix(number: str) -> str:
    """`+49` of `+4915112345678`; of a number that no country has, its first three digits."""
    try:
        return f"+{phonenumbers.parse(number).country_code}"
    except phonenumbers.NumberParseException:
        return number[:4]
