"""Passwords that a user had before."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from accounts.models.users import User
from accounts.querysets.passwords import PasswordHistoryQuerySet


class PasswordHistory(models.Model):
    """One password that a user had before the present one, as the hash that it was kept in."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_history")
    password = models.CharField(max_length=128)
    replaced_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[PasswordHistoryQuerySet] = PasswordHistoryQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.user_id} {self.replaced_at:%Y-%m-%d}"
