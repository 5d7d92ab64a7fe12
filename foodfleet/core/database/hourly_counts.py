"""Counts of rows by hour, updated by periodic tasks, so that a chart reads some hundred rows instead of a million."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, QuerySet, Sum, Value
from django.db.models.functions import TruncDay, TruncHour
from django.utils import timezone

from foodfleet.core.models import HourlyCount

KEPT = timedelta(days=31)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOURS, DAYS = 24, 30  # that the home page shows


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
    """The counts of the last 24 hours by hour and name, and of the last 30 days by day and name."""

    hours: Counter[tuple[datetime, str]]
    days: Counter[tuple[datetime, str]]

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
    last_hours = HourlyCount.objects.filter(hour__gt=now - DAY).values_list(Value("hour"), "hour", "name", "count")
    last_days = HourlyCount.objects.filter(hour__gt=now - DAY * DAYS).annotate(day=TruncDay("hour"))
    by_day = last_days.values_list(Value("day"), "day", "name").annotate(sum=Sum("count"))
    found: dict[str, Counter[tuple[datetime, str]]] = {"hour": Counter(), "day": Counter()}
    for length, at, name, count in last_hours.union(by_day, all=True):
        found[length][at, name] = count
    return Recent(hours=found["hour"], days=found["day"])
