"""What a user shows besides the password, and what is kept about it."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User, no_nul
from accounts.querysets.second_factor import (
    BackupCodeQuerySet,
    ChallengeQuerySet,
    CodeAttemptsQuerySet,
    PasskeyQuerySet,
    SecondFactorResetQuerySet,
    TOTPDeviceQuerySet,
    TrustedBrowserQuerySet,
)
from accounts.states import ChallengePurpose


class TOTPDevice(models.Model):
    """An authenticator app. It counts once a code was proved (`confirmed_at`); its secret is kept encrypted."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="totp_devices")
    secret = models.TextField(help_text=_("Encrypted under ENCRYPTION_KEYS."))
    last_step = models.BigIntegerField(
        default=0, help_text=_("Step of the newest code that was used: none older serves.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[TOTPDeviceQuerySet] = TOTPDeviceQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(confirmed_at__isnull=False), name="accounts_totp_one_confirmed"
            ),
            models.UniqueConstraint(
                fields=["user"], condition=Q(confirmed_at__isnull=True), name="accounts_totp_one_pending"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}"


class BackupCode(models.Model):
    """A code for the day on which the phone is lost; known by its slow, salted hash alone."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="backup_codes")
    hash = models.CharField(max_length=60)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    spent_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[BackupCodeQuerySet] = BackupCodeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "hash"], name="accounts_backup_code_once")]

    def __str__(self) -> str:
        return f"{self.user_id}"


class Passkey(models.Model):
    """A WebAuthn credential: its public key and what its authenticator says of itself."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(_("name"), max_length=100, validators=[no_nul])
    credential_id = models.CharField(max_length=1400, unique=True, help_text=_("Base64url, without padding."))
    public_key = models.TextField(help_text=_("COSE key in base64url."))
    sign_count = models.BigIntegerField(default=0)
    transports = models.JSONField(default=list)
    passwordless = models.BooleanField(default=False, help_text=_("May be the whole sign-in, without the password."))
    is_backup_eligible = models.BooleanField(
        null=True, help_text=_("May be synced by its maker, which never changes; empty until it is known.")
    )
    is_backed_up = models.BooleanField(default=False, help_text=_("Synced between devices by its maker."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[PasskeyQuerySet] = PasskeyQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")
        indexes = [models.Index(fields=["user", "created_at"], name="accounts_passkey_of_user")]

    def __str__(self) -> str:
        return self.name


class TrustedBrowser(models.Model):
    """A browser that skips the second factor for a while; its signed cookie is known by its digest alone."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="trusted_browsers")
    digest = models.CharField(max_length=64, unique=True)
    user_agent = models.CharField(max_length=400, blank=True, default="")
    ip = models.GenericIPAddressField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    objects: ClassVar[TrustedBrowserQuerySet] = TrustedBrowserQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.user_id} {self.user_agent}"


class Challenge(models.Model):
    """A question that waits for its answer for some minutes and serves once; its token is known by its digest alone."""

    digest = models.CharField(max_length=64, unique=True)
    purpose = models.CharField(max_length=20, choices=ChallengePurpose)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    device_name = models.CharField(max_length=100, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    sms_digest = models.CharField(max_length=64, blank=True, default="")
    sms_sent = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(db_index=True)
    spent_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[ChallengeQuerySet] = ChallengeQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.user_id} {self.purpose}"


class CodeAttempts(models.Model):
    """How many codes of one user in a row were wrong, and until when no other is compared."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="code_attempts")
    failures = models.PositiveIntegerField(default=0)
    blocked_until = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[CodeAttemptsQuerySet] = CodeAttemptsQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.failures}"


class SecondFactorReset(models.Model):
    """Staff ask to take the second factor from a user who lost it; another of them approves, and then a day passes."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="second_factor_resets")
    reason = models.CharField(_("reason"), max_length=400, validators=[no_nul])
    requested_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    requested_at = models.DateTimeField(_("requested"), default=timezone.now, editable=False)
    approved_by = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    effective_at = models.DateTimeField(_("happens at"), null=True, help_text=_("Set when a second person approves."))
    cancelled_at = models.DateTimeField(_("cancelled"), null=True)
    done_at = models.DateTimeField(_("done"), null=True)

    objects: ClassVar[SecondFactorResetQuerySet] = SecondFactorResetQuerySet.as_manager()  # type: ignore[assignment]

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
        return f"{self.user_id} {self.requested_at:%Y-%m-%d}"
