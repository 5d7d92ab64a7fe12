"""Queries of access, by name."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q


class RoleAssignmentQuerySet(models.QuerySet[Any]):
    """Assignments of roles to users."""

    def live(self, now: datetime) -> "RoleAssignmentQuerySet":
        """Not ended, and not past their expiry at `now`."""
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now), ended_at__isnull=True)

    def of(self, user: Any) -> "RoleAssignmentQuerySet":
        """Of one user."""
        return self.filter(user=user)
