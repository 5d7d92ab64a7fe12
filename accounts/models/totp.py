"""TOTP (RFC 6238) with SHA-1, 6 digits and steps of 30 seconds, which every authenticator app supports."""

import hmac
from base64 import b32decode
from datetime import datetime
from time import time

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device
from django_otp.oath import TOTP

from accounts.models.mfa import CodeDevice
from accounts.models.users import User
from accounts.states import Method
from foodfleet.core import crypto
from foodfleet.core.typed_text import normalize_code

STEP = 30  # seconds
DIGITS = 6
PURPOSE = "totp"


def matching_steps(secret: str, code: str, *, now: float, drift: int) -> list[int]:
    """Return the time steps within `drift` steps of `now` (Unix time) whose code is `code`, oldest first.

    Every step is compared in constant time, so that the duration does not reveal which one matched. Spaces and hyphens
    in the code are ignored.
    """
    digits = normalize_code(code)
    if not (len(digits) == DIGITS and digits.isascii() and digits.isdigit()):
        return []
    clock = TOTP(b32decode(secret), step=STEP, digits=DIGITS)
    clock.time = now
    matching = []
    for clock.drift in range(-drift, drift + 1):
        if hmac.compare_digest(f"{clock.token():0{DIGITS}d}", digits) and clock.t() >= 0:
            matching.append(clock.t())
    return matching


class TOTPDeviceQuerySet(models.QuerySet["TOTPDevice"]):
    """Authenticator apps."""

    def of(self, user: User) -> "TOTPDeviceQuerySet":
        """Filter the devices of one user."""
        return self.filter(user=user)

    def confirmed(self) -> "TOTPDeviceQuerySet":
        """Filter devices whose set-up was completed with a code."""
        return self.filter(confirmed_at__isnull=False)

    def pending(self) -> "TOTPDeviceQuerySet":
        """Filter devices that have not been confirmed yet."""
        return self.filter(confirmed_at__isnull=True)

    def devices_for_user(self, user: User, confirmed: bool | None = None) -> "TOTPDeviceQuerySet":
        """Filter the user's devices, as django-otp's DeviceManager."""
        devices = self.of(user)
        return devices if confirmed is None else devices.confirmed() if confirmed else devices.pending()

    def consume(self, pk: int, step: int) -> bool:
        """Consume the codes up to `step`; return False if that one was consumed before. Safe under concurrency."""
        return self.confirmed().filter(pk=pk, last_step__lt=step).update(last_step=step) == 1

    def confirm(self, pk: int, step: int, now: datetime) -> bool:
        """Confirm a pending device and consume the code of `step`; return False if it was confirmed before."""
        return self.pending().filter(pk=pk).update(confirmed_at=now, last_step=step) == 1


class TOTPDevice(CodeDevice, Device, models.Model):
    """An authenticator app. It counts as an MFA method once it is confirmed with a code."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="totp_devices")
    secret = models.TextField(help_text=_("Encrypted with ENCRYPTION_KEYS."))
    last_step = models.BigIntegerField(
        default=0, help_text=_("Time step of the last code used. Codes up to this step are rejected.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    objects = TOTPDeviceQuerySet.as_manager()

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

    @property
    def name(self) -> str:
        """The name of the device for django-otp."""
        return str(Method.TOTP.label)

    @property
    def confirmed(self) -> bool:
        """Whether django-otp may use the device."""
        return self.confirmed_at is not None

    @staticmethod
    def encrypt_secret(secret: str) -> str:
        """Encrypt a secret (base32) for the database."""
        return crypto.encrypt(secret, purpose=PURPOSE)

    @staticmethod
    def decrypt_secret(ciphertext: str) -> str:
        """Decrypt a result of `encrypt_secret`. Raises DecryptionError."""
        return crypto.decrypt(ciphertext, purpose=PURPOSE)

    def matching_steps(self, code: str, *, now: float) -> list[int]:
        """Return the time steps within TOTP_DRIFT_STEPS of `now` (Unix time) whose code is `code`, oldest first."""
        return matching_steps(self.decrypt_secret(self.secret), code, now=now, drift=settings.TOTP_DRIFT_STEPS)

    def consume(self, code: str, *, now: float | None = None) -> bool:
        steps = self.matching_steps(code, now=time() if now is None else now)
        return any(TOTPDevice.objects.consume(self.pk, step) for step in steps)
