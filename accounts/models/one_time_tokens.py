"""One-time tokens of the links in e-mails."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from accounts.states import TokenPurpose


class OneTimeTokenQuerySet(models.QuerySet["OneTimeToken"]):
    """One-time tokens."""

    def usable(self, digest: str, purposes: Sequence[str], now: datetime) -> Self:
        """Filter the live token with this digest and one of `purposes`, and select its user."""
        return self.live(now).filter(digest=digest, purpose__in=purposes).select_related("user")

    def consume(self, pk: int, now: datetime) -> bool:
        """Consume one token; return False if it was consumed before. Safe under concurrency."""
        return self.filter(pk=pk, consumed_at__isnull=True).update(consumed_at=now) == 1

    def revoke(self, now: datetime) -> int:
        """Revoke the tokens that are not consumed; return how many."""
        return self.filter(consumed_at__isnull=True).update(consumed_at=now)

    def of(self, user: User, purpose: str) -> Self:
        """Filter tokens of one user for one purpose."""
        return self.filter(user=user, purpose=purpose)

    def live(self, now: datetime) -> Self:
        """Filter tokens that are neither consumed nor expired, oldest first."""
        return self.filter(consumed_at__isnull=True, expires_at__gt=now).order_by("pk")

    def expired(self, now: datetime) -> Self:
        """Filter expired tokens."""
        return self.filter(expires_at__lte=now)

    def made_after(self, token: "OneTimeToken") -> Self:
        """Filter tokens made after `token`."""
        return self.filter(pk__gt=token.pk)


class OneTimeToken(models.Model):
    """A token for one use and one purpose. Only its digest is stored."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="one_time_tokens")
    purpose = models.CharField(max_length=20, choices=TokenPurpose)
    digest = models.CharField(max_length=64, unique=True)
    data = models.JSONField(default=dict, help_text=_("Data for the purpose, such as the new address."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(db_index=True)
    consumed_at = models.DateTimeField(null=True, blank=True)

    objects = OneTimeTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user_id} {self.purpose}"
