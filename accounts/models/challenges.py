"""Single-use challenges: the second step of a sign-in, and passkey ceremonies."""

from datetime import datetime

from django.db import models
from django.db.models import F
from django.utils import timezone

from accounts.models.users import User
from accounts.states import ChallengePurpose


class ChallengeQuerySet(models.QuerySet["Challenge"]):
    """Challenges. Each counter and each use is one conditional UPDATE."""

    def open(self, now: datetime) -> "ChallengeQuerySet":
        """Filter challenges that are neither consumed nor expired."""
        return self.filter(consumed_at__isnull=True, expires_at__gt=now)

    def usable(self, digest: str, purpose: str, *, limit: int, now: datetime) -> "ChallengeQuerySet":
        """Filter the open challenge of this digest and purpose with fewer than `limit` attempts; with its user."""
        return self.open(now).filter(digest=digest, purpose=purpose, attempts__lt=limit).select_related("user")

    def reserve_attempt(self, pk: int, *, limit: int, now: datetime) -> bool:
        """Count one attempt before its answer is compared; False past `limit`."""
        return self.open(now).filter(pk=pk, attempts__lt=limit).update(attempts=F("attempts") + 1) == 1

    def reserve_sms(self, pk: int, *, limit: int, digest: str, now: datetime) -> bool:
        """Replace the digest of the SMS code and count the SMS; False where `limit` were sent."""
        usable = self.open(now).filter(pk=pk, sms_sent__lt=limit)
        return usable.update(sms_digest=digest, sms_sent=F("sms_sent") + 1) == 1

    def consume(self, pk: int, now: datetime) -> bool:
        """Mark the challenge as answered; False where it was already."""
        return self.filter(pk=pk, consumed_at__isnull=True).update(consumed_at=now) == 1

    def revoke(self, user: User, now: datetime) -> int:
        """Consume all open challenges of a user; returns how many."""
        return self.open(now).filter(user=user).update(consumed_at=now)

    def expired(self, now: datetime) -> "ChallengeQuerySet":
        """Filter expired challenges."""
        return self.filter(expires_at__lte=now)


class Challenge(models.Model):
    """A challenge that is answered once, within minutes. Only the digest of its token is stored."""

    digest = models.CharField(max_length=64, unique=True)
    purpose = models.CharField(max_length=20, choices=ChallengePurpose)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    device_name = models.CharField(max_length=100, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    sms_digest = models.CharField(max_length=64, blank=True, default="")
    sms_sent = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(db_index=True)
    consumed_at = models.DateTimeField(null=True, blank=True)

    objects = ChallengeQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user_id} {self.purpose}"
