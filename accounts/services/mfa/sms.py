"""Codes by text message: the weakest second factor, for those who chose no other way back in."""

import hmac
import secrets

from django.conf import settings

from accounts.models import Challenge, User
from foodfleet.core import crypto
from foodfleet.core.typed_text import normalize_code

DIGITS = 6
PURPOSE = "sms-code"
HINT = 2  # digits of the phone number that a page may show


def is_possible(user: User) -> bool:
    """Whether texts are switched on and `user` proved a phone number."""
    return bool(settings.SECOND_FACTOR_SMS and user.phone and user.phone_verified_at is not None)


def new_code() -> str:
    """Six digits."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def digest(code: str, challenge: Challenge) -> str:
    """What is kept of a code: good for one challenge alone."""
    return crypto.keyed_digest(f"{challenge.pk}:{code}", purpose=PURPOSE)


def matches(code: str, challenge: Challenge) -> bool:
    """Whether this is the newest code that was texted for `challenge`."""
    wanted = challenge.sms_digest
    return bool(wanted) and hmac.compare_digest(wanted, digest(normalize_code(code), challenge))


def hint(user: User) -> str:
    """The end of the user's number, to be recognized by its owner alone."""
    return f"•• {user.phone[-HINT:]}" if user.phone else ""
