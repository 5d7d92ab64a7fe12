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

    def replaced_before(self, moment: datetime) -> "SigningKeyQuerySet":
        """Those that have verified nothing since then."""
        return self.filter(verifies_until__lt=moment)
