"""Queries of the ground floor, by name."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.db.models import F

from foodfleet.core.typed_text import searchable, searched_words

Found = TypeVar("Found", bound=models.QuerySet[Any])


def matching(rows: Found, text: str, *fields: str) -> Found:
    """Those whose `fields` together contain each word of `text`, in any spelling; compared here, so for few rows."""
    words = searched_words(text)
    found = rows.values_list("pk", *fields)
    return rows.filter(pk__in=[pk for pk, *texts in found if all(word in searchable(*texts) for word in words)])


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


class SlidingCounterQuerySet(models.QuerySet[Any]):
    """Counting over a window that slides."""

    def held(self, key: str, *, expires_at: datetime) -> Any:
        """The counter of `key`, made where there is none, which nobody else changes until this transaction ends."""
        row = self.model(key=key, expires_at=expires_at)
        self.bulk_create([row], update_conflicts=True, update_fields=["expires_at"], unique_fields=["key"])
        return self.get(pk=key)

    def expired(self, now: datetime) -> models.QuerySet[Any]:
        """Counters that hold nothing which still counts."""
        return self.filter(expires_at__lt=now)


class StampQuerySet(models.QuerySet[Any]):
    """Version stamps."""

    def of(self, keys: Iterable[str]) -> dict[str, str]:
        """The stamps that there are of `keys`; a key that never changed has none."""
        return dict(self.filter(key__in=keys).values_list("key", "value"))

    def starting_with(self, prefix: str) -> "StampQuerySet":
        """Those whose key begins like that."""
        return self.filter(key__startswith=prefix)

    def renew(self, values: Mapping[str, str]) -> None:
        """Give each key its new stamp, whether or not it has one; in one order, so that no two wait for each other."""
        rows = [self.model(key=key, value=values[key]) for key in sorted(values)]
        self.bulk_create(rows, update_conflicts=True, update_fields=["value"], unique_fields=["key"])

    def lock(self, key: str) -> bool:
        """Hold the row of `key` for this transaction; False where there is none. SQLite has one writer anyway."""
        return self.filter(key=key).update(value=F("value")) == 1


class HeartbeatQuerySet(models.QuerySet[Any]):
    """Parts that run by themselves."""

    def write(self, name: str, at: datetime) -> None:
        """Note that it was at work."""
        row = self.model(name=name, at=at)
        self.bulk_create([row], update_conflicts=True, update_fields=["at"], unique_fields=["name"])

    def time_of(self, name: str) -> datetime | None:
        """When it was at work last."""
        return self.filter(name=name).values_list("at", flat=True).first()
