"""Queries of signing keys."""

from datetime import datetime
from typing import Any

from django.db import models


class SigningKeyQuerySet(models.QuerySet[Any]):
    """Keys that sign tokens."""

    def newest_first(self) -> "SigningKeyQuerySet":
        """In the order in which they sign."""
        return self.order_by("-created_at", "-pk")

    def of_algorithm(self, algorithm: str) -> "SigningKeyQuerySet":
        """Those for this algorithm."""
        return self.filter(algorithm=algorithm)

    def current(self) -> "SigningKeyQuerySet":
        """Those that nothing has replaced yet."""
        return self.filter(verifies_until__isnull=True)

    def usable(self, now: datetime) -> "SigningKeyQuerySet":
        """Those that may still verify."""
        in_time = models.Q(verifies_until__isnull=True) | models.Q(verifies_until__gt=now)
        return self.filter(in_time, revoked_at__isnull=True).exclude(secret_ciphertext="")

    def revoked(self) -> "SigningKeyQuerySet":
        """Those whose tokens are refused."""
        return self.filter(revoked_at__isnull=False)

    def replaced_before(self, moment: datetime) -> "SigningKeyQuerySet":
        """Those that have verified nothing since then."""
        return self.filter(verifies_until__lt=moment)
