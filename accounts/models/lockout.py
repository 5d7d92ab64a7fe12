"""How often somebody tried to sign in."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.users import User
from accounts.querysets.lockout import LoginAttemptsQuerySet


class LoginAttempts(models.Model):
    """Tries to sign in to one address, whether or not it has an account, and the lock that they led to.

    Each device that signed in to the address before is counted on a row of its own (OWASP's device cookie), so that a
    stranger's guesses, all counted on the row without device, never keep the owner's own devices out.
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

    objects: ClassVar[LoginAttemptsQuerySet] = LoginAttemptsQuerySet.as_manager()  # type: ignore[assignment]

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
