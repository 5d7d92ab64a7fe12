"""Failed sign-in attempts and the locks they cause."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User

# One statement, so that simultaneous guesses cannot pass the limit: the row lock serializes them, and a caller that
# gets no row back (it is locked) must not compare a password. Valid on both PostgreSQL and SQLite.
RESERVE = """
INSERT INTO {table} AS attempts (address, device, tries, locks, updated_at)
SELECT %(address)s, CASE WHEN EXISTS (
    SELECT 1 FROM {table} known WHERE known.address = %(address)s AND known.device = %(device)s
) THEN %(device)s ELSE '' END, 1, 0, %(now)s
WHERE TRUE
ON CONFLICT (address, device) DO UPDATE SET
    tries = CASE WHEN attempts.locked_until IS NULL THEN attempts.tries + 1 ELSE 1 END,
    locks = attempts.locks + CASE WHEN {locks_now} THEN 1 ELSE 0 END,
    locked_until = CASE WHEN {locks_now} THEN CASE {durations} END END,
    updated_at = %(now)s
WHERE attempts.locked_until IS NULL OR attempts.locked_until <= %(now)s
RETURNING device, tries, locks
"""
LOCKS_NOW = "attempts.locked_until IS NULL AND attempts.tries + 1 >= %(limit)s"


class LoginAttemptsQuerySet(models.QuerySet["LoginAttempts"]):
    """Attempts, counted per digest of an address and of a device."""

    def unlocked(self, now: datetime) -> "LoginAttemptsQuerySet":
        """Filter rows that are not locked at `now`."""
        return self.filter(Q(locked_until__isnull=True) | Q(locked_until__lte=now))

    def from_unknown_devices_before(self, moment: datetime, *, now: datetime) -> "LoginAttemptsQuerySet":
        """Filter unlocked rows of unknown devices without an attempt since `moment`."""
        return self.unlocked(now).filter(device="", updated_at__lt=moment)

    def reserve(
        self, *, address: str, device: str, limit: int, lock_times: Sequence[timedelta], now: datetime
    ) -> tuple[str, int, int] | None:
        """Count one attempt; the `limit`th one locks for the next of `lock_times`, in the same statement.

        Returns (device, tries, locks) of the row that it was counted on: the device's own where the address knows the
        device, else the shared row of unknown devices. None where that row is locked.
        """
        connection = connections[self.db]
        adapt = connection.ops.adapt_datetimefield_value
        whens = [f"WHEN attempts.locks = {step} THEN %(lock{step})s" for step in range(len(lock_times) - 1)]
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
        """Filter the rows of an address digest."""
        return self.filter(address=address)

    def counted_on(self, address: str, device: str) -> "LoginAttemptsQuerySet":
        """Filter the row of a device; '' selects the shared row of unknown devices."""
        return self.filter(address=address, device=device)

    def lock_of(self, address: str, device: str) -> datetime | None:
        """Return the end of the lock on the row that `device` is counted on, None where it is not locked."""
        rows = self.of(address).filter(device__in=[device, ""]).order_by("-device")
        return rows.values_list("locked_until", flat=True).first()

    def clear(self) -> int:
        """Reset tries and locks; the devices stay known."""
        return self.filter(Q(tries__gt=0) | Q(locks__gt=0)).update(tries=0, locks=0, locked_until=None, user=None)

    def replace_device(self, device: str, successor: str) -> int:
        """Replace a device's digest at every address that knows it; its counts stay."""
        return self.filter(device=device).exclude(device="").update(device=successor)

    def remember(self, address: str, devices: Sequence[str]) -> None:
        """Create or reset the rows of `devices` ('' is the row of unknown devices) in one statement."""
        now = timezone.now()
        self.bulk_create(
            [self.model(address=address, device=device, updated_at=now) for device in devices],
            update_conflicts=True,
            unique_fields=["address", "device"],
            update_fields=["tries", "locks", "locked_until", "user", "updated_at"],
        )


class LoginAttempts(models.Model):
    """Attempts to sign in to one address, with or without an account, and the lock they caused.

    Each device that signed in to the address before has its own row (OWASP's device cookie), so that guesses from
    unknown devices, all counted on the row without a device, never lock out the owner's devices.
    """

    address = models.CharField(max_length=64, help_text=_("Keyed digest of the e-mail address."))
    device = models.CharField(max_length=64, blank=True, default="", help_text=_("Digest of the device's id."))
    tries = models.PositiveSmallIntegerField(default=0, help_text=_("Since the last success or lock."))
    locks = models.PositiveSmallIntegerField(default=0, help_text=_("Since the last success: each lasts longer."))
    locked_until = models.DateTimeField(null=True, blank=True)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, related_name="login_attempts", help_text=_("Whom it locks out.")
    )
    updated_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = LoginAttemptsQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["address", "device"], name="accounts_attempts_once")]
        indexes = [
            models.Index(fields=["device"], condition=~models.Q(device=""), name="accounts_attempts_device"),
            models.Index(
                fields=["locked_until"], condition=models.Q(locked_until__isnull=False), name="accounts_attempts_locked"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address[:8]}: {self.tries}"
