"""MFA methods of a user, and what is stored about their use."""

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, VerifyNotAllowed

from accounts.models.users import User, no_nul
from foodfleet.core.cache import rate_limits
from foodfleet.core.cache.rate_limits import Lockout

YEAR = timedelta(days=365)
# See accounts.services.limits.attempts: the tenth consecutive failure, and each one after it, blocks.
CODE_LOCKOUT = Lockout(
    first=10,
    waits=(
        timedelta(seconds=30),
        *(timedelta(minutes=minutes) for minutes in (1, 2, 4, 8)),
        *[timedelta(minutes=15)] * 10,
        timedelta(days=1),
    ),
    memory=YEAR,
    memory_unblocked=YEAR,
)


def code_attempts_key(user: User) -> str:
    """Return the rate limit key under which a user's consecutive wrong MFA codes are counted."""
    return f"mfa:{user.pk}"


class CodeDevice:
    """Mixin for django-otp devices with single-use codes: an attempt is counted before the code is compared.

    It makes django-otp's own views and forms safe. Sign-in and re-authentication use accounts.services.mfa.codes, which
    also records security events and sends signals.
    """

    user: Any  # the foreign key of the device

    def consume(self, code: str) -> bool:
        """Verify and consume a code; return False if it is wrong or was consumed. Safe under concurrency."""
        raise NotImplementedError

    def verify_is_allowed(self) -> tuple[bool, dict[str, Any] | None]:
        counted = rate_limits.attempts(code_attempts_key(self.user))
        if counted.blocked_until is None:
            return True, None
        return False, {"reason": VerifyNotAllowed.N_FAILED_ATTEMPTS, "failure_count": counted.count}

    def verify_token(self, token: str) -> bool:
        key = code_attempts_key(self.user)
        if not rate_limits.reserve_attempt(key, CODE_LOCKOUT).allowed or not self.consume(token):
            return False
        rate_limits.clear_attempts(key)
        return True


class PasskeyQuerySet(models.QuerySet["Passkey"]):
    """Passkeys."""

    def of(self, user: User) -> "PasskeyQuerySet":
        """Filter the passkeys of one user, oldest first."""
        return self.filter(user=user).order_by("created_at", "pk")

    def devices_for_user(self, user: User, confirmed: bool | None = None) -> "PasskeyQuerySet":
        """Filter the user's devices, as django-otp's DeviceManager."""
        return self.none() if confirmed is False else self.of(user)

    def passwordless(self) -> "PasskeyQuerySet":
        """Filter passkeys that may replace the password, and select their users."""
        return self.filter(passwordless=True).select_related("user")

    def record_use(self, pk: int, *, previous_count: int, now: datetime, **reported: int | bool) -> bool:
        """Store what the authenticator reported; return False if the counter is no longer at `previous_count`."""
        return self.filter(pk=pk, sign_count=previous_count).update(**reported, last_used_at=now) == 1


class Passkey(Device, models.Model):
    """A WebAuthn credential: its public key and what its authenticator reports.

    It is a django-otp device without codes; services.mfa.passkey_verification verifies its assertions.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(_("name"), max_length=100, validators=[no_nul])
    credential_id = models.CharField(max_length=1400, unique=True, help_text=_("Base64url, without padding."))
    public_key = models.TextField(help_text=_("COSE key in base64url."))
    sign_count = models.BigIntegerField(default=0)
    transports = models.JSONField(default=list)
    passwordless = models.BooleanField(default=False, help_text=_("Signs in without the password."))
    is_backup_eligible = models.BooleanField(
        null=True, help_text=_("The provider may sync it. This never changes; empty until it is known.")
    )
    is_backed_up = models.BooleanField(default=False, help_text=_("The provider has synced it to other devices."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = PasskeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")
        indexes = [models.Index(fields=["user", "created_at"], name="accounts_passkey_of_user")]

    def __str__(self) -> str:
        return self.name

    @property
    def confirmed(self) -> bool:
        """Whether django-otp may use the device: always, because passkeys need no confirmation."""
        return True


class TrustedBrowserQuerySet(models.QuerySet["TrustedBrowser"]):
    """Browsers that skip the second step of a sign-in."""

    def of(self, user: User) -> "TrustedBrowserQuerySet":
        """Filter the browsers of one user, most recently used first."""
        return self.filter(user=user).order_by("-last_used_at", "-pk")

    def live(self, now: datetime) -> "TrustedBrowserQuerySet":
        """Filter browsers whose trust has not expired."""
        return self.filter(expires_at__gt=now)

    def expired(self, now: datetime) -> "TrustedBrowserQuerySet":
        """Filter browsers whose trust has expired."""
        return self.filter(expires_at__lte=now)


class TrustedBrowser(models.Model):
    """A browser that skips the second step of a sign-in. Only the digest of the token in its cookie is stored."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="trusted_browsers")
    digest = models.CharField(max_length=64, unique=True)
    user_agent = models.CharField(max_length=400, blank=True, default="")
    ip = models.GenericIPAddressField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    objects = TrustedBrowserQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user_id} {self.user_agent}"


class MFAResetQuerySet(models.QuerySet["MFAReset"]):
    """Staff requests to remove a user's MFA methods."""

    def open(self) -> "MFAResetQuerySet":
        """Filter requests that are neither done nor cancelled."""
        return self.filter(cancelled_at__isnull=True, done_at__isnull=True)

    def of(self, user: User) -> "MFAResetQuerySet":
        """Filter the requests about one user."""
        return self.filter(user=user)

    def due(self, now: datetime) -> "MFAResetQuerySet":
        """Filter approved requests whose waiting time is over."""
        return self.open().filter(effective_at__lte=now)

    def approve(self, pk: int, *, by: User, effective_at: datetime) -> bool:
        """Store the approval; return False if the request is approved already or no longer open."""
        waiting = self.open().filter(pk=pk, approved_by__isnull=True)
        return waiting.update(approved_by=by, effective_at=effective_at) == 1

    def cancel(self, now: datetime) -> int:
        """Cancel the open requests; return how many."""
        return self.open().update(cancelled_at=now)

    def finish(self, pk: int, now: datetime) -> bool:
        """Mark a due request as done; return False if it is not due or another process was faster."""
        return self.due(now).filter(pk=pk).update(done_at=now) == 1


class MFAReset(models.Model):
    """A staff request to remove all MFA methods of a user. It takes effect a day after a second person approved it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mfa_resets")
    reason = models.CharField(_("reason"), max_length=400, validators=[no_nul])
    requested_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    requested_at = models.DateTimeField(_("requested"), default=timezone.now, editable=False)
    approved_by = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    effective_at = models.DateTimeField(_("happens at"), null=True, help_text=_("Set when a second person approves."))
    cancelled_at = models.DateTimeField(_("cancelled"), null=True)
    done_at = models.DateTimeField(_("done"), null=True)

    objects = MFAResetQuerySet.as_manager()

    class Meta:
        verbose_name = _("two-factor reset")
        verbose_name_plural = _("two-factor resets")
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(cancelled_at__isnull=True, done_at__isnull=True),
                name="accounts_reset_one_open",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("requested_by")),
                name="accounts_reset_by_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(approved_by=F("user")) & ~Q(requested_by=F("user")), name="accounts_reset_by_others"
            ),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | Q(approved_by__isnull=False, cancelled_at__isnull=True),
                name="accounts_reset_done_if_approved",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.requested_at:%Y-%m-%d}"
