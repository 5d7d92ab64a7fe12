"""Questions that wait for an answer: made, found, counted, spent.

Each lasts five minutes, serves once and takes five answers, however many come at once.
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
    """A challenge with its token, which only the client keeps."""

    token: str = field(repr=False)
    challenge: Challenge
    expires_in: int = int(LIFETIME.total_seconds())


@dataclass(frozen=True)
class PasskeyChallenge:
    """A challenge with what the browser's passkey call is given. expires_in: seconds."""

    token: str = field(repr=False)
    options: dict[str, Any] = field(repr=False)
    expires_in: int


def issue(purpose: ChallengePurpose, *, user: User | None, client: Client) -> IssuedChallenge:
    """Make a challenge of `purpose`, for `user` where it is known who answers."""
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
    """The usable challenge of `purpose`, not spent by looking. Raises Invalid2FACodeException."""
    usable = Challenge.objects.usable(crypto.digest(token), purpose, limit=MAX_ATTEMPTS, now=timezone.now())
    found: Challenge | None = usable.first()
    if found is None:
        raise Invalid2FACodeException
    return found


def reserve_attempt(challenge: Challenge) -> None:
    """Count one answer before it is compared; committed on its own. Raises Invalid2FACodeException past the last."""
    if not Challenge.objects.reserve_attempt(challenge.pk, limit=MAX_ATTEMPTS, now=timezone.now()):
        raise Invalid2FACodeException


def reserve_sms(challenge: Challenge, *, digest: str, limit: int) -> None:
    """Keep the digest of a code that is texted, in place of the one before.

    Raises ThrottledException where `limit` were texted.
    """
    now = timezone.now()
    if not Challenge.objects.reserve_sms(challenge.pk, limit=limit, digest=digest, now=now):
        raise ThrottledException((challenge.expires_at - now).total_seconds())


def consume(challenge: Challenge) -> None:
    """Consume the challenge. Raises Invalid2FACodeException where somebody else was faster."""
    if not Challenge.objects.consume(challenge.pk, timezone.now()):
        raise Invalid2FACodeException


def revoke_all(user: User) -> None:
    """Make the user's open challenges useless: what they were given for no longer holds."""
    Challenge.objects.revoke(user, timezone.now())


def purge_expired(now: datetime) -> int:
    """Remove challenges that nobody can answer any more; returns how many."""
    return int(Challenge.objects.expired(now).delete()[0])
