"""Nobody's mailbox is flooded through us, whoever asks and from however many addresses."""

from enum import Enum

from django.conf import settings

from foodfleet.core import crypto
from foodfleet.core.cache.rate_limits import Hit, admit
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.exceptions import ThrottledException

MAILS_AN_HOUR = 10  # to one address


class CausedBy(Enum):
    """Who has mails sent to somebody. Counted apart, so that strangers cannot keep staff from inviting."""

    ANYBODY = "anybody"
    STAFF = "staff"


def may_mail(email: str) -> bool:
    """Count a mail that anybody can cause to `email`, whether or not it has an account; False past MAILS_AN_HOUR.

    One count for all such mails, registration, links, notices to an address that nobody confirmed. With THROTTLE_FORGOT
    switched off always True.
    """
    return _count(email, CausedBy.ANYBODY).allowed


def ensure_staff_may_mail(email: str) -> None:
    """Count a mail that staff send to `email`. Raises ThrottledException past MAILS_AN_HOUR."""
    counted = _count(email, CausedBy.STAFF)
    if not counted.allowed:
        raise ThrottledException(counted.retry_after)


def _count(email: str, cause: CausedBy) -> Hit:
    if settings.THROTTLE_RATES["forgot"] is None:
        return Hit(allowed=True, retry_after=0.0)
    address = crypto.keyed_digest(normalize_email(email), purpose="mails")
    return admit(f"mails:{cause.value}:{address}", limit=MAILS_AN_HOUR, seconds=3600)
