"""Keys that sign tokens."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.querysets.keys import SigningKeyQuerySet


class SigningKey(models.Model):
    """A key made by `manage.py rotate_jwt_keys`. The newest signs; older ones verify until their tokens are gone."""

    kid = models.CharField(max_length=32, unique=True)
    algorithm = models.CharField(max_length=10)
    secret_ciphertext = models.TextField(
        blank=True, help_text=_("Encrypted under ENCRYPTION_KEYS; empty once it verifies nothing.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    verifies_until = models.DateTimeField(null=True, blank=True, help_text=_("Empty: it signs."))
    revoked_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("Its tokens are refused from then on. The row stays, also for a key of the environment."),
    )

    objects: ClassVar[SigningKeyQuerySet] = SigningKeyQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.algorithm} {self.kid}"
