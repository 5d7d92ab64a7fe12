"""Codes that verify a phone number."""

from datetime import datetime

from django.db import models
from django.utils import timezone

from accounts.models.users import User
from foodfleet.core.phone_numbers import E164


class PhoneCodeQuerySet(models.QuerySet["PhoneCode"]):
    """Codes that were sent to a phone number."""

    def live(self, now: datetime) -> "PhoneCodeQuerySet":
        """Filter codes that have not expired."""
        return self.filter(expires_at__gt=now)

    def expired(self, now: datetime) -> "PhoneCodeQuerySet":
        """Filter expired codes."""
        return self.filter(expires_at__lte=now)

    def consume(self, code: "PhoneCode") -> bool:
        """Delete exactly this code; return False if it was used or replaced before. Safe under concurrency."""
        return self.filter(pk=code.pk, digest=code.digest).delete()[0] == 1


class PhoneCode(models.Model):
    """The code sent to a number that a user wants to confirm. A user has one; a new code replaces it."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="phone_code")
    phone = models.CharField(max_length=16, validators=[E164])
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()

    objects = PhoneCodeQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%Y-%m-%d %H:%M}"
