"""Queries of codes on their way to a phone, by name."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from accounts.models import PhoneCode, User


class PhoneCodeQuerySet(models.QuerySet[Any]):
    """Codes on their way to a phone."""

    def waiting(self, now: datetime) -> "PhoneCodeQuerySet":
        """Not expired."""
        return self.filter(expires_at__gt=now)

    def expired(self, now: datetime) -> "PhoneCodeQuerySet":
        """Those that ran out."""
        return self.filter(expires_at__lte=now)

    def reserve_try(self, user: "User", now: datetime, most: int) -> bool:
        """Count one try at the user's code; False where it has expired or had `most`, however many try at once."""
        open_codes = self.waiting(now).filter(user=user, tries__lt=most)
        return open_codes.update(tries=models.F("tries") + 1) == 1

    def spend(self, code: "PhoneCode") -> bool:
        """Remove this very code; False where it was used or replaced already, however many try at once."""
        return self.filter(pk=code.pk, digest=code.digest).delete()[0] == 1
