"""Queries of suppressed addresses and of preferences."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Case, Value, When

from notifications.states import REQUESTED_BY_RECIPIENT


class SuppressionQuerySet(models.QuerySet[Any]):
    """Suppressed addresses."""

    def live(self) -> "SuppressionQuerySet":
        """Those that nobody lifted."""
        return self.filter(lifted_at__isnull=True)

    def of(self, channel: str, addresses: Iterable[str]) -> "SuppressionQuerySet":
        """The live ones of these addresses, which are in the form that they are kept in."""
        return self.live().filter(channel=channel, address__in=list(addresses))

    def of_kinds(self, kinds: Iterable[str]) -> "SuppressionQuerySet":
        """Those for these kinds of messages; EVERY_KIND: those for every message."""
        return self.filter(kind__in=list(kinds))

    def requested_by_recipient(self) -> "SuppressionQuerySet":
        """Those that a person asked for, by STOP, by a link or by a complaint."""
        return self.filter(reason__in=REQUESTED_BY_RECIPIENT)

    def lift(self, now: datetime, by: Any, because: str = "") -> int:
        """Lift those that are live; returns how many were."""
        return self.live().update(lifted_at=now, lifted_by=by, lifted_because=because)


class PreferenceQuerySet(models.QuerySet[Any]):
    """What people want to be told."""

    def of(self, user: Any) -> "PreferenceQuerySet":
        """What one person said."""
        return self.filter(user=user)

    def refused(self, kind: str) -> "PreferenceQuerySet":
        """Refusals of one kind."""
        return self.filter(kind=kind, is_wanted=False)

    def unsubscribed(
        self, *, users: Collection[int], emails: Collection[str], phones: Collection[str]
    ) -> Iterator[tuple[str, int, str, str]]:
        """Kinds that these people switched off, with the id, e-mail address and confirmed number of each who did.

        Asked one by one, so that each walks along an index.
        """
        ways: list[tuple[Collection[Any], dict[str, Any]]] = [
            (users, {"user__in": list(users)}),
            (emails, {"user__email__in": list(emails)}),
            (phones, {"user__phone__in": list(phones), "user__phone_verified_at__isnull": False}),
        ]
        number = Case(When(user__phone_verified_at__isnull=False, then="user__phone"), default=Value(""))
        for values, way in ways:
            if values:
                found = self.filter(is_wanted=False, **way)
                yield from found.values_list("kind", "user_id", "user__email", number)
