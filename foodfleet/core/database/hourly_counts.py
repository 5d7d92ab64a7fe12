"""Counts of rows by hour, updated by periodic tasks, so that a chart reads some hundred rows instead of a million."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, DateTimeField, F, Max, QuerySet, Sum, Value
from django.db.models.functions import TruncDay, TruncHour
from django.utils import timezone

from foodfleet.core.models import HourlyCount

KEPT = timedelta(days=31)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOURS, DAYS = 24, 30  # that the home page shows
SUMMED = "sum"  # the first part of a subject of which only the sums of both periods are shown


def update(rows: QuerySet[Any], subject: str, *columns: str, again: timedelta = HOUR) -> None:
    """Count `rows` by the hour of their `created_at` and by `columns`, as `subject:value:value`.

    Counts the rows added since the last call, and again those of the time `again` before it, which may have changed.
    The first call counts all rows of the last 31 days.
    """
    now = timezone.now()
    counted = HourlyCount.objects.about(subject)
    last = counted.aggregate(last=Max("hour"))["last"]
    start = max(now - KEPT, (last or now - KEPT) - again).replace(minute=0, second=0, microsecond=0)
    while start < now:  # a day at a time: no statement reads a month of a large table
        end = min(start + DAY, now)
        _count(rows.filter(created_at__gte=start, created_at__lt=end), subject, columns, (start, end))
        start = end
    counted.filter(hour__lt=now - KEPT - HOUR).delete()


def _count(rows: QuerySet[Any], subject: str, columns: Collection[str], period: tuple[datetime, datetime]) -> None:
    by_hour = rows.order_by().annotate(at=TruncHour("created_at")).values_list("at", *columns)
    found = [
        HourlyCount(hour=at, name=":".join([subject, *map(str, values)]), count=count)
        for at, *values, count in by_hour.annotate(found=Count("pk"))
    ]
    with transaction.atomic():
        HourlyCount.objects.about(subject).filter(hour__gte=period[0], hour__lt=period[1]).delete()
        HourlyCount.objects.bulk_create(
            found, update_conflicts=True, unique_fields=["hour", "name"], update_fields=["count"]
        )


@dataclass(frozen=True)
class Recent:
    """The counts of the last 24 hours by hour and name, and of the last 30 days by day and name.

    day_sums and month_sums: of the subjects that begin with SUMMED, by name.
    """

    hours: Counter[tuple[datetime, str]]
    days: Counter[tuple[datetime, str]]
    day_sums: Counter[str]
    month_sums: Counter[str]

    def by_hour(self, name: str) -> list[int]:
        """Return the counts of the last 24 hours, the current one last."""
        last = timezone.now().replace(minute=0, second=0, microsecond=0)
        return [self.hours[last - HOUR * ago, name] for ago in reversed(range(HOURS))]

    def by_day(self, name: str) -> list[int]:
        """Return the counts of the last 30 days of the calendar in UTC, today last."""
        today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return [self.days[today - DAY * ago, name] for ago in reversed(range(DAYS))]


def recent() -> Recent:
    """Return all counts that the home page shows, by one query."""
    now = timezone.now()
    last_day, last_month = (HourlyCount.objects.filter(hour__gt=now - DAY * days) for days in (1, DAYS))
    parts = [
        last_day.not_about(SUMMED).annotate(at=F("hour"), sum=F("count")),
        last_month.not_about(SUMMED).annotate(at=TruncDay("hour")).values("at", "name").annotate(sum=Sum("count")),
        *(_summed(some.about(SUMMED)) for some in (last_day, last_month)),
    ]
    rows = [part.order_by().values_list(Value(number), "at", "name", "sum") for number, part in enumerate(parts)]
    found: list[Counter[Any]] = [Counter() for _part in parts]
    for number, at, name, count in rows[0].union(*rows[1:], all=True):
        found[number][name if at is None else (at, name)] = count
    return Recent(*found)


def _summed(rows: QuerySet[HourlyCount]) -> QuerySet[Any, Any]:
    return rows.values("name").annotate(at=Value(None, DateTimeField()), sum=Sum("count"))
