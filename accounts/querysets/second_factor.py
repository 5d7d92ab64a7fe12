"""Queries of the second factor, by name. Whatever serves once is spent by one conditional UPDATE."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Case, F, Q, Value, When

if TYPE_CHECKING:
    from accounts.models import User


class TOTPDeviceQuerySet(models.QuerySet[Any]):
    """Authenticator apps."""

    def of(self, user: "User") -> "TOTPDeviceQuerySet":
        """Of one user."""
        return self.filter(user=user)

    def confirmed(self) -> "TOTPDeviceQuerySet":
        """Those that a code was proved with: they count."""
        return self.filter(confirmed_at__isnull=False)

    def pending(self) -> "TOTPDeviceQuerySet":
        """Those that wait for their first code."""
        return self.filter(confirmed_at__isnull=True)

    def spend(self, pk: int, step: int) -> bool:
        """Use up the code of `step` and all older ones; False where it was used, however many try at once."""
        return self.filter(pk=pk, last_step__lt=step).update(last_step=step) == 1

    def confirm(self, pk: int, step: int, now: datetime) -> bool:
        """Let a pending device count from now on, its code of `step` being used; False where it does already."""
        return self.pending().filter(pk=pk).update(confirmed_at=now, last_step=step) == 1


class BackupCodeQuerySet(models.QuerySet[Any]):
    """Backup codes."""

    def of(self, user: "User") -> "BackupCodeQuerySet":
        """Of one user."""
        return self.filter(user=user)

    def left(self) -> "BackupCodeQuerySet":
        """Those that still serve."""
        return self.filter(spent_at__isnull=True)

    def spend(self, user: "User", hashed: str, now: datetime) -> bool:
        """Use up the user's code of this hash; False where there is none left, however many try at once."""
        return self.of(user).left().filter(hash=hashed).update(spent_at=now) == 1


class PasskeyQuerySet(models.QuerySet[Any]):
    """Passkeys."""

    def of(self, user: "User") -> "PasskeyQuerySet":
        """Of one user, oldest first."""
        return self.filter(user=user).order_by("created_at", "pk")

    def passwordless(self) -> "PasskeyQuerySet":
        """Those that may be the whole sign-in; with their users."""
        return self.filter(passwordless=True).select_related("user")

    def use(self, pk: int, *, counted: int, now: datetime, **said: int | bool) -> bool:
        """Note a use and what the authenticator said; False where the counter moved on since it stood at `counted`."""
        return self.filter(pk=pk, sign_count=counted).update(**said, last_used_at=now) == 1


class TrustedBrowserQuerySet(models.QuerySet[Any]):
    """Browsers that skip the second factor."""

    def of(self, user: "User") -> "TrustedBrowserQuerySet":
        """Of one user, the last used first."""
        return self.filter(user=user).order_by("-last_used_at", "-pk")

    def live(self, now: datetime) -> "TrustedBrowserQuerySet":
        """Not expired."""
        return self.filter(expires_at__gt=now)

    def expired(self, now: datetime) -> "TrustedBrowserQuerySet":
        """Those whose time is over."""
        return self.filter(expires_at__lte=now)


class ChallengeQuerySet(models.QuerySet[Any]):
    """Questions that wait for an answer."""

    def usable(self, digest: str, purpose: str, *, limit: int, now: datetime) -> "ChallengeQuerySet":
        """Neither spent nor expired nor answered `limit` times, made for `purpose`; with its user."""
        open_ones = self.filter(digest=digest, purpose=purpose, spent_at__isnull=True, expires_at__gt=now)
        return open_ones.filter(attempts__lt=limit).select_related("user")

    def reserve_attempt(self, pk: int, *, limit: int, now: datetime) -> bool:
        """Count one answer before it is compared; False where `limit` were, however many come at once."""
        open_ones = self.filter(pk=pk, spent_at__isnull=True, expires_at__gt=now, attempts__lt=limit)
        return open_ones.update(attempts=F("attempts") + 1) == 1

    def reserve_text(self, pk: int, *, limit: int, digest: str, now: datetime) -> bool:
        """Put a texted code in place of the one before; False where `limit` were texted."""
        open_ones = self.filter(pk=pk, spent_at__isnull=True, expires_at__gt=now, sms_sent__lt=limit)
        return open_ones.update(sms_digest=digest, sms_sent=F("sms_sent") + 1) == 1

    def spend(self, pk: int, now: datetime) -> bool:
        """Mark one as answered; False where it was already, however many try at once."""
        return self.filter(pk=pk, spent_at__isnull=True).update(spent_at=now) == 1

    def void(self, user: "User", now: datetime) -> int:
        """Make the user's open ones useless; returns how many."""
        return self.filter(user=user, spent_at__isnull=True, expires_at__gt=now).update(spent_at=now)

    def expired(self, now: datetime) -> "ChallengeQuerySet":
        """Those whose time is over."""
        return self.filter(expires_at__lte=now)


class CodeAttemptsQuerySet(models.QuerySet[Any]):
    """Wrong codes in a row."""

    def reserve(self, user: "User", *, waits: dict[int, timedelta], now: datetime) -> bool:
        """Count one code as wrong before it is compared; False where none may be compared now.

        waits: after how many failures in a row how long a wait begins. One UPDATE decides, however many come at once.
        """
        blocks = [When(failures__gte=n - 1, then=Value(now + wait)) for n, wait in sorted(waits.items(), reverse=True)]
        free = self.filter(user=user).filter(Q(blocked_until__isnull=True) | Q(blocked_until__lte=now))
        until = Case(*blocks, default=Value(None), output_field=models.DateTimeField(null=True))
        return free.update(failures=F("failures") + 1, blocked_until=until) == 1

    def clear(self, user: "User") -> bool:
        """Forget the failures: a code was right. True where there were any."""
        return self.filter(user=user, failures__gt=0).update(failures=0, blocked_until=None) == 1


class SecondFactorResetQuerySet(models.QuerySet[Any]):
    """Staff's requests to take a second factor away."""

    def open(self) -> "SecondFactorResetQuerySet":
        """Neither carried out nor called off."""
        return self.filter(cancelled_at__isnull=True, done_at__isnull=True)

    def of(self, user: "User") -> "SecondFactorResetQuerySet":
        """Of one user."""
        return self.filter(user=user)

    def due(self, now: datetime) -> "SecondFactorResetQuerySet":
        """Approved, and the delay is over."""
        return self.open().filter(effective_at__lte=now)

    def approve(self, pk: int, *, by: "User", effective_at: datetime) -> bool:
        """Set the second person and the time; False where somebody did, or where it is over."""
        waiting = self.open().filter(pk=pk, approved_by__isnull=True)
        return waiting.update(approved_by=by, effective_at=effective_at) == 1

    def cancel(self, now: datetime) -> int:
        """Call off those that are open; returns how many."""
        return self.open().update(cancelled_at=now)

    def finish(self, pk: int, now: datetime) -> bool:
        """Mark a due one as carried out; False where it is not due or somebody was faster."""
        return self.due(now).filter(pk=pk).update(done_at=now) == 1
