"""Queries of codes on their way to a phone, by name."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from accounts.models import User


class PhoneCodeQuerySet(models.QuerySet[Any]):
    """Codes on their way to a phone."""

    def reserve_try(self, user: "User", now: datetime, most: int) -> bool:
        """Count one try at the user's code; False where it has expired or had `most`, however many try at once."""
        open_codes = self.filter(user=user, expires_at__gt=now, tries__lt=most)
        return open_codes.update(tries=models.F("tries") + 1) == 1
