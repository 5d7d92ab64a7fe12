"""Limit the e-mails to one address, independent of who requests them and from which IP addresses."""

from enum import Enum

from django.conf import settings

from foodfleet.core import crypto
from foodfleet.core.cache.rate_limits import Usage, sliding_window
from foodfleet.core.email_addresses import normalize_email
from foodfleet.core.exceptions import ThrottledException


class CausedBy(Enum):
    """Who causes an e-mail. Counted separately, so that anonymous requests cannot block invitations by staff."""

    ANYBODY = "anybody"
    STAFF = "staff"


def may_mail(email: str) -> bool:
    """Count an e-mail to `email` that anybody can cause. Returns False beyond EMAIL_LIMIT_ADDRESS.

    All such e-mails share one count, whether or not the address has an account: registration, links, notices to an
    unconfirmed address.
    """
    return _count(email, CausedBy.ANYBODY).allowed


def ensure_staff_may_mail(email: str) -> None:
    """Count an e-mail to `email` that staff send. Raises ThrottledException beyond EMAIL_LIMIT_ADDRESS."""
    counted = _count(email, CausedBy.STAFF)
    if not counted.allowed:
        raise ThrottledException(counted.retry_after)


def _count(email: str, cause: CausedBy) -> Usage:
    if settings.EMAIL_LIMIT_ADDRESS is None:
        return Usage(allowed=True, retry_after=0.0)
    count, seconds = settings.EMAIL_LIMIT_ADDRESS
    address = crypto.keyed_digest(normalize_email(email), purpose="mails")
    return sliding_window(f"mails:{cause.value}:{address}", limit=count, seconds=seconds)
