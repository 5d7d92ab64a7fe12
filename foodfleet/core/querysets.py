"""Queries of the ground floor, by name."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import F


class RateCounterQuerySet(models.QuerySet[Any]):
    """Counting that is right under concurrency on every database."""

    def increment(self, *, key: str, window: int, expires_at: datetime) -> int:
        """Add one to the counter of this window and return what it says then."""
        counter = self.filter(key=key, window=window)
        if not counter.update(count=F("count") + 1):
            try:
                with transaction.atomic(using=self.db):
                    self.create(key=key, window=window, expires_at=expires_at)
                return 1
            except IntegrityError:  # somebody else made it between the two
                counter.update(count=F("count") + 1)
        return int(counter.values_list("count", flat=True).get())

    def expired(self, now: datetime) -> models.QuerySet[Any]:
        """Counters of windows that are over."""
        return self.filter(expires_at__lt=now)
