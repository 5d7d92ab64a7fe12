"""Queries of attempts to sign in."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, models
from django.db.models import Q
from django.utils import timezone

# One statement, so that no number of simultaneous guesses gets past the limit: the row's lock decides who counts, and
# whoever finds it locked (no row comes back) must not compare a password. PostgreSQL and SQLite speak it alike.
RESERVE = """
INSERT INTO {table} AS kept (address, device, tries, locks, updated_at)
SELECT %(address)s, CASE WHEN EXISTS (
    SELECT 1 FROM {table} known WHERE known.address = %(address)s AND known.device = %(device)s
) THEN %(device)s ELSE '' END, 1, 0, %(now)s
WHERE TRUE
ON CONFLICT (address, device) DO UPDATE SET
    tries = CASE WHEN kept.locked_until IS NULL THEN kept.tries + 1 ELSE 1 END,
    locks = kept.locks + CASE WHEN {locks_now} THEN 1 ELSE 0 END,
    locked_until = CASE WHEN {locks_now} THEN CASE {durations} END END,
    updated_at = %(now)s
WHERE kept.locked_until IS NULL OR kept.locked_until <= %(now)s
RETURNING device, tries, locks
"""
LOCKS_NOW = "kept.locked_until IS NULL AND kept.tries + 1 >= %(limit)s"


class LoginAttemptsQuerySet(models.QuerySet[Any]):
    """Attempts, counted by the digest of an address and of a device."""

    def of_strangers_before(self, moment: datetime, *, now: datetime) -> "LoginAttemptsQuerySet":
        """Those of nobody's own device that nothing was added to since `moment`, and that lock nobody out."""
        unlocked = Q(locked_until__isnull=True) | Q(locked_until__lte=now)
        return self.filter(unlocked, device="", updated_at__lt=moment)

    def reserve(
        self, *, address: str, device: str, limit: int, lock_times: Sequence[timedelta], now: datetime
    ) -> tuple[str, int, int] | None:
        """Count one attempt; the `limit`th locks for the next of `lock_times`, in the same statement.

        Returns (device, tries, locks) of the row that it was counted on: the device's own where the address knows it,
        else the one of all strangers. None where that row is locked.
        """
        connection = connections[self.db]
        adapt = connection.ops.adapt_datetimefield_value
        whens = [f"WHEN kept.locks = {step} THEN %(lock{step})s" for step in range(len(lock_times) - 1)]
        last = len(lock_times) - 1
        sql = RESERVE.format(
            table=connection.ops.quote_name(self.model._meta.db_table),
            locks_now=LOCKS_NOW,
            durations=" ".join([*whens, f"ELSE %(lock{last})s"]),
        )
        parameters: dict[str, Any] = {"address": address, "device": device, "limit": limit, "now": adapt(now)}
        parameters |= {f"lock{step}": adapt(now + time) for step, time in enumerate(lock_times)}
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            row: tuple[str, int, int] | None = cursor.fetchone()
        return row

    def of(self, address: str) -> "LoginAttemptsQuerySet":
        """All rows of an address, by its digest."""
        return self.filter(address=address)

    def counted_on(self, address: str, device: str) -> "LoginAttemptsQuerySet":
        """The row of a device, or with '' the one of strangers."""
        return self.filter(address=address, device=device)

    def lock_of(self, address: str, device: str) -> datetime | None:
        """Until when the row is locked that `device` is counted on: its own, or that of strangers."""
        rows = self.of(address).filter(device__in=[device, ""]).order_by("-device")
        found: datetime | None = rows.values_list("locked_until", flat=True).first()
        return found

    def clear(self) -> int:
        """Forget tries and locks; the devices stay known."""
        return self.filter(Q(tries__gt=0) | Q(locks__gt=0)).update(tries=0, locks=0, locked_until=None, user=None)

    def stale(self, now: datetime, *, quiet: timedelta, devices: timedelta) -> "LoginAttemptsQuerySet":
        """What can be forgotten: unlocked strangers' rows after `quiet`, known devices after `devices`."""
        unlocked = self.filter(Q(locked_until__isnull=True) | Q(locked_until__lte=now))
        return unlocked.filter(Q(device="", updated_at__lt=now - quiet) | Q(updated_at__lt=now - devices))

    def replace_device(self, device: str, successor: str) -> int:
        """Know a device by another digest, at every address that knows it; what was tried there stays counted."""
        return self.filter(device=device).exclude(device="").update(device=successor)

    def remember(self, address: str, devices: Sequence[str]) -> None:
        """Make `devices` known to the address, with nothing tried; one statement. '' stands for strangers' row."""
        now = timezone.now()
        self.bulk_create(
            [self.model(address=address, device=device, updated_at=now) for device in devices],
            update_conflicts=True,
            unique_fields=["address", "device"],
            update_fields=["tries", "locks", "locked_until", "user", "updated_at"],
        )
