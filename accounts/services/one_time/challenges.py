"""Challenges of MFA and passkeys: issue, find, count attempts, consume.

A challenge lasts five minutes, is consumed once and accepts five attempts, also under concurrency.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.exceptions import Invalid2FACodeException
from accounts.models import Challenge, User
from accounts.states import ChallengePurpose
from foodfleet.core import crypto
from foodfleet.core.exceptions import ThrottledException
from foodfleet.core.http.clients import Client

LIFETIME = timedelta(minutes=5)  # NIST SP 800-63B-4 3.1.3.2: at most 10
MAX_ATTEMPTS = 5


@dataclass(frozen=True)
class IssuedChallenge:
    """A challenge and its token, which only the client stores."""

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
    """Create a challenge of `purpose`, for `user` if it is known who responds."""
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
    """The usable challenge of `purpose`; does not consume it. Raises Invalid2FACodeException."""
    usable = Challenge.objects.usable(crypto.digest(token), purpose, limit=MAX_ATTEMPTS, now=timezone.now())
    found: Challenge | None = usable.first()
    if found is None:
        raise Invalid2FACodeException
    return found


def reserve_attempt(challenge: Challenge) -> None:
    """Count an attempt before its code is compared, and commit. Raises Invalid2FACodeException above the limit."""
    if not Challenge.objects.reserve_attempt(challenge.pk, limit=MAX_ATTEMPTS, now=timezone.now()):
        raise Invalid2FACodeException


def reserve_sms(challenge: Challenge, *, digest: str, limit: int) -> None:
    """Store the digest of a code that is sent by SMS, in place of an earlier one.

    Raises ThrottledException if `limit` were sent.
    """
    now = timezone.now()
    if not Challenge.objects.reserve_sms(challenge.pk, limit=limit, digest=digest, now=now):
        raise ThrottledException((challenge.expires_at - now).total_seconds())


def consume(challenge: Challenge) -> None:
    """Consume the challenge. Raises Invalid2FACodeException where another request was faster."""
    if not Challenge.objects.consume(challenge.pk, timezone.now()):
        raise Invalid2FACodeException


def revoke_all(user: User) -> None:
    """Revoke the user's open challenges."""
    Challenge.objects.revoke(user, timezone.now())


def purge_expired(now: datetime) -> int:
    """Delete expired challenges; returns how many."""
    return int(Challenge.objects.expired(now).delete()[0])
