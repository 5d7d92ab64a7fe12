"""Single-use challenges: the second step of a sign-in, and passkey ceremonies."""

from datetime import datetime

from django.db import models
from django.utils import timezone

from accounts.models.users import User
from accounts.states import ChallengePurpose


class ChallengeQuerySet(models.QuerySet["Challenge"]):
    """Challenges."""

    def open(self, now: datetime) -> "ChallengeQuerySet":
        """Filter challenges that are neither consumed nor expired."""
        return self.filter(consumed_at__isnull=True, expires_at__gt=now)

    def usable(self, digest: str, purpose: str, now: datetime) -> "ChallengeQuerySet":
        """Filter the open challenge with this digest and purpose, and select its user."""
        return self.open(now).filter(digest=digest, purpose=purpose).select_related("user")

    def replace_sms_digest(self, pk: int, digest: str, now: datetime) -> bool:
        """Replace the digest of the SMS code; return False if the challenge is no longer open."""
        return self.open(now).filter(pk=pk).update(sms_digest=digest) == 1

    def consume(self, pk: int, now: datetime) -> bool:
        """Consume the challenge; return False if it was consumed before."""
        return self.filter(pk=pk, consumed_at__isnull=True).update(consumed_at=now) == 1

    def revoke(self, user: User, now: datetime) -> int:
        """Revoke all open challenges of a user; return how many."""
        return self.open(now).filter(user=user).update(consumed_at=now)

    def expired(self, now: datetime) -> "ChallengeQuerySet":
        """Filter expired challenges."""
        return self.filter(expires_at__lte=now)


class Challenge(models.Model):
    """A challenge that can be answered once, within minutes. Only the digest of its token is stored."""

    digest = models.CharField(max_length=64, unique=True)
    purpose = models.CharField(max_length=20, choices=ChallengePurpose)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    device_name = models.CharField(max_length=100, blank=True, default="")
    sms_digest = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(db_index=True)
    consumed_at = models.DateTimeField(null=True, blank=True)

    objects = ChallengeQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user_id} {self.purpose}"
