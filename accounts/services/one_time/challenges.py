"""Challenges of MFA and passkeys: issue, find, count attempts, consume.

A challenge is valid for five minutes and five attempts, and is consumed once. This is safe under concurrency.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.exceptions import Invalid2FACodeException
from accounts.models import Challenge, User
from accounts.states import ChallengePurpose
from foodfleet.core import crypto
from foodfleet.core.cache import rate_limits
from foodfleet.core.exceptions import ThrottledException
from foodfleet.core.http.clients import Client

LIFETIME = timedelta(minutes=5)  # NIST SP 800-63B-4 3.1.3.2: at most 10
LOCKOUT = rate_limits.Lockout.at_most(5, LIFETIME)
MAX_SMS = 3  # for one challenge


@dataclass(frozen=True)
class IssuedChallenge:
    """A challenge and its token, of which only the digest is stored."""

    token: str = field(repr=False)
    challenge: Challenge
    expires_in: int = int(LIFETIME.total_seconds())


@dataclass(frozen=True)
class PasskeyChallenge:
    """A challenge and the options of the browser's passkey call. expires_in: seconds."""

    token: str = field(repr=False)
    options: dict[str, Any] = field(repr=False)
    expires_in: int


def issue(purpose: ChallengePurpose, *, user: User | None, client: Client) -> IssuedChallenge:
    """Create a challenge of `purpose`, for `user` if the user is known."""
    token = crypto.new_token()
    challenge = Challenge.objects.create(
        digest=crypto.digest(token),
        purpose=purpose,
        user=user,
        device_name=client.device_name,
        expires_at=timezone.now() + LIFETIME,
    )
    return IssuedChallenge(token, challenge)


def find(token: str, purpose: ChallengePurpose) -> Challenge:
    """Return the open challenge of this token and purpose without consuming it. Raises Invalid2FACodeException."""
    found: Challenge | None = Challenge.objects.usable(crypto.digest(token), purpose, timezone.now()).first()
    if found is None:
        raise Invalid2FACodeException
    return found


def reserve_attempt(challenge: Challenge) -> int:
    """Count an attempt, before its code is compared, and return the count. Call it outside of a transaction.

    Raises Invalid2FACodeException above the limit.
    """
    attempt = rate_limits.reserve_attempt(f"challenge:{challenge.pk}", LOCKOUT)
    if not attempt.allowed:
        raise Invalid2FACodeException
    return attempt.count


def failed(challenge: Challenge, attempt: int) -> None:
    """Revoke the challenge if this was the last attempt."""
    if attempt >= LOCKOUT.first:
        Challenge.objects.consume(challenge.pk, timezone.now())


def reserve_sms(challenge: Challenge, *, digest: str) -> None:
    """Count an SMS and store the digest of its code, in place of an earlier one.

    Raises ThrottledException after MAX_SMS, or Invalid2FACodeException if the challenge is no longer open.
    """
    seconds = int(LIFETIME.total_seconds())
    counted = rate_limits.sliding_window(f"challenge-sms:{challenge.pk}", limit=MAX_SMS, seconds=seconds)
    if not counted.allowed:
        raise ThrottledException(counted.retry_after)
    if not Challenge.objects.replace_sms_digest(challenge.pk, digest, timezone.now()):
        raise Invalid2FACodeException


def consume(challenge: Challenge) -> None:
    """Consume the challenge. Raises Invalid2FACodeException if another request was faster."""
    if not Challenge.objects.consume(challenge.pk, timezone.now()):
        raise Invalid2FACodeException


def revoke_all(user: User) -> None:
    """Revoke the user's open challenges."""
    Challenge.objects.revoke(user, timezone.now())
