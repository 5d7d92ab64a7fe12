"""Keys that sign tokens."""

from datetime import datetime
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    """Signing keys."""

    def newest_first(self) -> Self:
        """Order the keys; the first one signs."""
        return self.order_by("-created_at", "-pk")

    def current(self) -> Self:
        """Filter keys that no newer key has replaced."""
        return self.filter(verifies_until__isnull=True)

    def usable(self, now: datetime) -> Self:
        """Filter keys that sign or still verify tokens."""
        in_time = models.Q(verifies_until__isnull=True) | models.Q(verifies_until__gt=now)
        return self.filter(in_time, revoked_at__isnull=True).exclude(secret_ciphertext="")

    def revoked(self) -> Self:
        """Filter keys whose tokens are rejected."""
        return self.filter(revoked_at__isnull=False)

    def replaced_before(self, time: datetime) -> Self:
        """Filter keys that stopped verifying tokens before `time`."""
        return self.filter(verifies_until__lt=time)


class SigningKey(models.Model):
    """A key that `manage.py rotate_jwt_keys` created. The newest signs; older ones verify until their tokens expire."""

    kid = models.CharField(max_length=32, unique=True)
    algorithm = models.CharField(max_length=10)
    secret_ciphertext = models.TextField(
        blank=True, help_text=_("Encrypted with ENCRYPTION_KEYS; empty once the key verifies no tokens.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    verifies_until = models.DateTimeField(null=True, blank=True, help_text=_("Empty while it signs."))
    revoked_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("Its tokens are rejected from then on. A key of the environment gets a row too."),
    )

    objects = SigningKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.algorithm} {self.kid}"
