"""Queries of suppressed addresses and of preferences."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models


class SuppressionQuerySet(models.QuerySet[Any]):
    """Suppressed addresses."""

    def live(self) -> "SuppressionQuerySet":
        """Those that nobody lifted."""
        return self.filter(lifted_at__isnull=True)

    def of(self, channel: str, addresses: Iterable[str]) -> "SuppressionQuerySet":
        """The live ones of these addresses, which are in the form that they are kept in."""
        return self.live().filter(channel=channel, address__in=list(addresses))

    def lift(self, now: datetime, by: Any) -> int:
        """Lift those that are live; returns how many were."""
        return self.live().update(lifted_at=now, lifted_by=by)


class PreferenceQuerySet(models.QuerySet[Any]):
    """What people want to be told."""

    def of(self, user: Any) -> "PreferenceQuerySet":
        """What one person said."""
        return self.filter(user=user)

    def refused(self, kind: str) -> "PreferenceQuerySet":
        """Refusals of one kind."""
        return self.filter(kind=kind, is_wanted=False)

    def refused_by(self, users: Iterable[int]) -> "PreferenceQuerySet":
        """Refusals of these people."""
        return self.filter(user__in=list(users), is_wanted=False)
