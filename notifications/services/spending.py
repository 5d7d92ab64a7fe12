"""The guard over what texts may cost: SMS pumping makes a product text to numbers that earn their owner money."""

import phonenumbers
import structlog
from django.conf import settings

from foodfleet.core import counters
from notifications.exceptions import SmsLimitException

logger = structlog.get_logger(__name__)


def guard(number: str) -> None:
    """Count a text to `number`. Raises SmsLimitException where it, its country or all together have had their share."""
    country = country_prefix(number)
    for name, key in (("number", f"sms:{number}"), ("country", f"sms:{country}"), ("all", "sms")):
        limit = settings.SMS_LIMITS[name]
        if limit is None:
            continue
        count, seconds = limit
        hit = counters.hit(key, limit=count, seconds=seconds)
        if not hit.allowed:
            logger.error("sms_limit_reached", limit=name, per_seconds=seconds, most=count, country=country)
            raise SmsLimitException(hit.retry_after)


def country_prefix(number: str) -> str:
    """`+49` of `+4915112345678`; of a number that no country has, its first three digits."""
    try:
        return f"+{phonenumbers.parse(number).country_code}"
    except phonenumbers.NumberParseException:
        return number[:4]
