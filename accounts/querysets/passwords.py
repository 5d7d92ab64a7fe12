"""Queries of former passwords, by name."""

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from accounts.models import User


class PasswordHistoryQuerySet(models.QuerySet[Any]):
    """Passwords of before, as hashes."""

    def newest(self, user: "User", count: int) -> "PasswordHistoryQuerySet":
        """The user's `count` newest, the newest first."""
        return self.filter(user=user).order_by("-pk")[:count]

    def keep_newest(self, user: "User", count: int) -> None:
        """Forget all of the user's but the `count` newest."""
        kept = list(self.newest(user, count).values_list("pk", flat=True))
        self.filter(user=user).exclude(pk__in=kept).delete()
