"""Six-digit codes sent by SMS: as an MFA method, and to verify a phone number."""

import hmac
import secrets

from django.conf import settings

from accounts.models import User
from foodfleet.core import crypto
from foodfleet.core.typed_text import normalize_code

DIGITS = 6
MFA_PURPOSE = "sms-code"
HINT_DIGITS = 2  # digits of the phone number that a page may show


def is_possible(user: User) -> bool:
    """Return whether MFA by SMS is allowed and `user` has a verified phone number."""
    return bool(settings.SECOND_FACTOR_SMS and user.phone and user.phone_verified_at is not None)


def new_code() -> str:
    """Return six random digits."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def digest(code: str, *, context: str, purpose: str = MFA_PURPOSE) -> str:
    """Return the digest of a code. context: the only thing that the code is valid for, such as a challenge."""
    return crypto.keyed_digest(f"{context}:{normalize_code(code)}", purpose=purpose)


def matches(code: str, stored: str, *, context: str, purpose: str = MFA_PURPOSE) -> bool:
    """Return whether `stored` is the `digest` of the code, in constant time; False if it is ''."""
    return bool(stored) and hmac.compare_digest(stored, digest(code, context=context, purpose=purpose))


def hint(user: User) -> str:
    """Return the last digits of the user's number, by which its owner recognises it."""
    return f"•• {user.phone[-HINT_DIGITS:]}" if user.phone else ""
