"""Former passwords."""

from typing import Self

from django.db import models
from django.utils import timezone

from accounts.models.users import User


class PasswordHistoryQuerySet(models.QuerySet["PasswordHistory"]):
    """Hashes of former passwords."""

    def newest(self, user: User, count: int) -> Self:
        """Filter the user's `count` newest, newest first."""
        return self.filter(user=user).order_by("-pk")[:count]

    def keep_newest(self, user: User, count: int) -> None:
        """Delete all but the user's `count` newest."""
        newest = list(self.newest(user, count).values_list("pk", flat=True))
        self.filter(user=user).exclude(pk__in=newest).delete()


class PasswordHistory(models.Model):
    """The hash of a password that a user had before the current one."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_history")
    password = models.CharField(max_length=128)
    replaced_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PasswordHistoryQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user_id} {self.replaced_at:%Y-%m-%d}"
