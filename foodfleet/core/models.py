"""Tables of the kernel: rate limits, cache versions, heartbeats, metrics; base classes of rows that are history."""

from collections.abc import Mapping
from datetime import datetime
from secrets import token_hex
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.validators import ProhibitNullCharactersValidator
from django.db import connections, models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

LARGEST_ID: int = models.BigIntegerField.MAX_BIGINT

# One statement, so that simultaneous callers are counted one after the other, and a caller that gets no row back is
# blocked. Valid on PostgreSQL and SQLite.
INCREMENT = """
INSERT INTO {table} AS stored (key, count, blocked_until, expires_at, state)
VALUES (%(key)s, 1, %(block_1)s, %(expiry_1)s, '{{}}')
ON CONFLICT (key) DO UPDATE SET count = {count}, blocked_until = {block}, expires_at = {expiry}
WHERE stored.blocked_until IS NULL OR stored.blocked_until <= %(now)s
RETURNING count
"""
SAMPLES_PER_STATEMENT = 400
COUNT = "CASE WHEN stored.expires_at <= %(now)s THEN 1 ELSE stored.count + 1 END"


class RateLimitQuerySet(models.QuerySet["RateLimit"]):
    """Counting that is right under concurrency on every database."""

    def increment(
        self,
        key: str,
        *,
        now: datetime,
        expiries: Mapping[int, datetime],
        blocks: Mapping[int, datetime],
        every: int = 1,
    ) -> int | None:
        """Count one occurrence of `key` and return the new count. Returns None, without counting, while it is blocked.

        expiries: the end of the row for counts from each key on; from then on the row is ignored. blocks: the end of
        the block for each count that blocks; the last one applies to every `every`th later count too.
        """
        connection = connections[self.db]
        adapt = connection.ops.adapt_datetimefield_value
        block = [f"WHEN {COUNT} = {count:d} THEN %(block_{count:d})s" for count in blocks]
        if blocks:
            last = max(blocks)
            repeats = f"{COUNT} > {last:d} AND ({COUNT} - {last:d}) %% {every:d} = 0"
            block.append(f"WHEN {repeats} THEN %(block_{last:d})s")
        expiry = [f"WHEN {COUNT} >= {count:d} THEN %(expiry_{count:d})s" for count in sorted(expiries, reverse=True)]
        sql = INCREMENT.format(
            table=connection.ops.quote_name(self.model._meta.db_table),
            count=COUNT,
            block=f"CASE {' '.join(block)} END" if block else "NULL",
            expiry=f"CASE {' '.join(expiry)} END",
        )
        parameters = {"block_1": None, "key": key, "now": adapt(now)}
        parameters |= {f"block_{count:d}": adapt(until) for count, until in blocks.items()}
        parameters |= {f"expiry_{count:d}": adapt(until) for count, until in expiries.items()}
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            row: tuple[int] | None = cursor.fetchone()
        return row[0] if row else None

    def lock(self, key: str, *, expires_at: datetime) -> "RateLimit":
        """Create the row of `key` if necessary and lock it until the end of the transaction."""
        row = self.model(key=key, expires_at=expires_at)
        self.bulk_create([row], update_conflicts=True, update_fields=["expires_at"], unique_fields=["key"])
        return self.get(pk=key)

    def blocking(self, now: datetime) -> "RateLimitQuerySet":
        """Filter keys that are blocked at `now`."""
        return self.filter(blocked_until__gt=now)

    def expired(self, now: datetime) -> "RateLimitQuerySet":
        """Filter rows that are ignored because they have expired."""
        return self.filter(expires_at__lte=now)


class RateLimit(models.Model):
    """The usage of one rate limit. Only foodfleet.core.cache.rate_limits writes here."""

    key = models.CharField(max_length=160, primary_key=True)
    count = models.PositiveIntegerField(default=0, help_text="In a fixed window, or of attempts.")
    blocked_until = models.DateTimeField(null=True, help_text="Until when no attempt is allowed.")
    subject = models.BigIntegerField(null=True, help_text="Identifier of the user whom the block locks out.")
    state = models.JSONField(default=dict, help_text="Of a sliding window or a token bucket.")
    expires_at = models.DateTimeField(db_index=True)

    objects = RateLimitQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["blocked_until"], condition=models.Q(subject__isnull=False), name="core_rate_limit_locked"
            )
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"


class CacheVersionQuerySet(models.QuerySet["CacheVersion"]):
    """Versions of cached data."""

    def version_of(self, key: str) -> str | None:
        """Return the version of `key`; None if it never changed."""
        return self.filter(key=key).values_list("value", flat=True).first()

    def replace(self, key: str) -> None:
        """Set a new version of `key`."""
        row = self.model(key=key, value=token_hex(12))
        self.bulk_create([row], update_conflicts=True, update_fields=["value"], unique_fields=["key"])

    def lock(self, key: str) -> None:
        """Lock the row of `key` until the end of the transaction. SQLite has one writer anyway."""
        if not self.filter(key=key).update(value=F("value")):
            self.get_or_create(key=key, defaults={"value": token_hex(12)})
            self.filter(key=key).update(value=F("value"))


class CacheVersion(models.Model):
    """The version of data, for a process that cannot rely on Redis; see foodfleet.core.cache.coherent."""

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


class SampleQuerySet(models.QuerySet["Sample"]):
    """Samples."""

    def add(self, values: Mapping[str, float]) -> None:
        """Add to the series, in the order of their names, so that simultaneous processes do not deadlock."""
        connection = connections[self.db]
        table = connection.ops.quote_name(self.model._meta.db_table)
        order = sorted(values)
        for begin in range(0, len(order), SAMPLES_PER_STATEMENT):
            names = order[begin : begin + SAMPLES_PER_STATEMENT]
            places = ", ".join(["(%s, %s)"] * len(names))
            with connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO {table} AS stored (series, value) VALUES {places} "  # noqa: S608
                    "ON CONFLICT (series) DO UPDATE SET value = stored.value + excluded.value",
                    [part for name in names for part in (name, float(values[name]))],
                )

    def by_series(self) -> "SampleQuerySet":
        """Return all samples, grouped by metric."""
        return self.order_by("series")


class Sample(models.Model):
    """The sum of one series over all processes; see foodfleet.core.metrics."""

    series = models.TextField(primary_key=True)
    value = models.FloatField()

    objects = SampleQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.series} {self.value}"


class UndeletableQuerySet(models.QuerySet[Any]):
    """Rows that are history: the ORM does not delete them."""

    def delete(self) -> tuple[int, dict[str, int]]:
        raise PermissionDenied(f"{self.model.__name__} rows are never deleted.")


class AppendOnlyQuerySet(UndeletableQuerySet):
    """Rows that are never changed or deleted."""

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
    """A row that is never changed or deleted. Its QuerySet is an AppendOnlyQuerySet."""

    class Meta:
        abstract = True

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        """Insert the row. Raises PermissionDenied for a row that exists."""
        if not self._state.adding:
            raise PermissionDenied(f"{type(self).__name__} rows are append-only.")
        super().save_base(*args, **{**kwargs, "force_insert": True})


class HourlyCountQuerySet(models.QuerySet["HourlyCount"]):
    """Counts by hour."""

    def about(self, subject: str) -> "HourlyCountQuerySet":
        """Filter counts whose names begin with `subject` and a colon."""
        return self.filter(name__startswith=f"{subject}:")

    def not_about(self, subject: str) -> "HourlyCountQuerySet":
        """Filter the counts of other subjects."""
        return self.exclude(name__startswith=f"{subject}:")


class HourlyCount(models.Model):
    """How many rows of one kind an hour had, for charts; see foodfleet.core.database.hourly_counts."""

    name = models.CharField(max_length=150)  # may have that of a template, of up to 100
    hour = models.DateTimeField()
    count = models.PositiveIntegerField()

    objects = HourlyCountQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour", "name"], name="core_one_count_an_hour")]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}h {self.name}: {self.count}"


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    """Views of lists of the admin."""

    def of(self, user: Any) -> "SavedViewQuerySet":
        """Filter the views of one user."""
        return self.filter(user=user)

    def of_page(self, page: str, user: Any) -> "SavedViewQuerySet":
        """Return the views of one list that this user sees: their own and shared ones."""
        seen = models.Q(user=user) | models.Q(is_shared=True)
        return self.filter(seen, page=page).order_by("name", "pk")

    def save_as(self, user: Any, page: str, *, name: str, **values: Any) -> None:
        """Save a view under this name. Replaces the user's view with the same name."""
        self.update_or_create(user=user, page=page, name=name, defaults=values)


class SavedView(models.Model):
    """Filters, search and order of a list of the admin under a name; see foodfleet.core.admin.saved_views."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=100, help_text="The list: the label of its model.")
    name = models.CharField(_("name"), max_length=60, validators=[ProhibitNullCharactersValidator()])
    query = models.CharField(max_length=1000, blank=True, help_text="The query string of the list.")
    is_shared = models.BooleanField(_("for everybody who may see this list"), default=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [models.UniqueConstraint(fields=["user", "page", "name"], name="core_one_view_of_a_name")]
        indexes = [models.Index(fields=["page", "name"], name="core_views_of_page")]

    def __str__(self) -> str:
        return self.name
