"""Tables of the kernel: rate counters, cache versions and heartbeats; base classes of rows that are history."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models, transaction
from django.db.models import F


class RateCounterQuerySet(models.QuerySet["RateCounter"]):
    """Counting that is right under concurrency on every database."""

    def increment(self, *, key: str, window: int, expires_at: datetime) -> int:
        """Add one to the counter of this window and return the new count."""
        counter = self.filter(key=key, window=window)
        if not counter.update(count=F("count") + 1):
            try:
                with transaction.atomic(using=self.db):
                    self.create(key=key, window=window, expires_at=expires_at)
                return 1
            except IntegrityError:  # another caller created it in between
                counter.update(count=F("count") + 1)
        return int(counter.values_list("count", flat=True).get())

    def expired(self, now: datetime) -> "RateCounterQuerySet":
        """Counters of windows that are over."""
        return self.filter(expires_at__lt=now)


class RateCounter(models.Model):
    """How often something happened in one fixed window; used where there is no Redis."""

    key = models.CharField(max_length=160)
    window = models.BigIntegerField(help_text="Number of the window since 1970: Unix time divided by its length.")
    count = models.PositiveIntegerField(default=1)
    expires_at = models.DateTimeField(db_index=True)

    objects = RateCounterQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "window"], name="core_rate_counter_once")]

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"


class SlidingCounterQuerySet(models.QuerySet["SlidingCounter"]):
    """Counters of sliding windows."""

    def lock(self, key: str, *, expires_at: datetime) -> "SlidingCounter":
        """Create the counter of `key` if necessary and lock it until the end of the transaction."""
        row = self.model(key=key, expires_at=expires_at)
        self.bulk_create([row], update_conflicts=True, update_fields=["expires_at"], unique_fields=["key"])
        return self.get(pk=key)

    def expired(self, now: datetime) -> "SlidingCounterQuerySet":
        """Counters that contain nothing within their window."""
        return self.filter(expires_at__lt=now)


class SlidingCounter(models.Model):
    """How often something was allowed recently; see foodfleet.core.cache.rate_limits.sliding_window."""

    key = models.CharField(max_length=160, primary_key=True)
    slices = models.JSONField(default=dict, help_text="How often in which slice of time, numbered from 1970.")
    expires_at = models.DateTimeField(db_index=True)

    objects = SlidingCounterQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.key}: {sum(self.slices.values())}"


class CacheVersionQuerySet(models.QuerySet["CacheVersion"]):
    """Versions of what is cached."""

    def of(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the versions of `keys`; a key that never changed has none."""
        return dict(self.filter(key__in=keys).values_list("key", "value"))

    def starting_with(self, prefix: str) -> "CacheVersionQuerySet":
        """Versions whose key starts with `prefix`."""
        return self.filter(key__startswith=prefix)

    def replace(self, values: Mapping[str, str]) -> None:
        """Set the version of each key, in one order, so that two writers never wait for each other."""
        rows = [self.model(key=key, value=values[key]) for key in sorted(values)]
        self.bulk_create(rows, update_conflicts=True, update_fields=["value"], unique_fields=["key"])

    def lock(self, key: str) -> bool:
        """Lock the row of `key` for this transaction; False where there is none. SQLite has one writer anyway."""
        return self.filter(key=key).update(value=F("value")) == 1


class CacheVersion(models.Model):
    """The current version of data that processes cache; see foodfleet.core.cache.coherent."""

    key = models.CharField(max_length=100, primary_key=True)
    value = models.CharField(max_length=24)

    objects = CacheVersionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.key}: {self.value}"


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    """Heartbeats."""

    def write(self, name: str, at: datetime) -> None:
        """Record that `name` was alive."""
        row = self.model(name=name, at=at)
        self.bulk_create([row], update_conflicts=True, update_fields=["at"], unique_fields=["name"])

    def time_of(self, name: str) -> datetime | None:
        """Return when `name` was last alive."""
        return self.filter(name=name).values_list("at", flat=True).first()


class Heartbeat(models.Model):
    """When a background process was last alive; see foodfleet.core.heartbeats."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    objects = HeartbeatQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name}: {self.at}"


class UndeletableQuerySet(models.QuerySet[Any]):
    """Rows that are history: the ORM does not delete them."""

    def delete(self) -> tuple[int, dict[str, int]]:
        raise PermissionDenied(f"{self.model.__name__} rows are never deleted.")


class AppendOnlyQuerySet(UndeletableQuerySet):
    """Rows that are never changed either."""

    def update(self, **kwargs: Any) -> int:
        raise PermissionDenied(f"{self.model.__name__} rows are append-only.")

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("update_conflicts"):
            raise PermissionDenied(f"{self.model.__name__} rows are append-only.")
        return super().bulk_create(objs, *args, **kwargs)


class Undeletable(models.Model):
    """A row that is history: the ORM does not delete it. Its QuerySet is an UndeletableQuerySet."""

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raise PermissionDenied."""
        raise PermissionDenied(f"{type(self).__name__} rows are never deleted.")


class AppendOnly(Undeletable):
    """A row that is never changed either. Its QuerySet is an AppendOnlyQuerySet."""

    class Meta:
        abstract = True

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        """Insert the row. Raises PermissionDenied for a row that exists."""
        if not self._state.adding:
            raise PermissionDenied(f"{type(self).__name__} rows are append-only.")
        super().save_base(*args, **{**kwargs, "force_insert": True})
