"""Queries of the list of users that staff work with, by name. Each stays fast at a million users."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Prefetch, Q, Subquery

from foodfleet.core.typed_text import searched_parts

if TYPE_CHECKING:
    from accounts.models import User  # noqa: F401  names the type in quotation marks below

FEW_HOLDERS = 2000  # of a role, whom a list names one by one


class DirectoryQuerySet(models.QuerySet["User"]):
    """Users as staff find them."""

    def present(self) -> Self:
        """Not deleted."""
        return self.filter(deleted_at__isnull=True)

    def search(self, text: str) -> Self:
        """Each word of `text` is a part of the e-mail address, a name or the phone, whatever its case.

        A word of one or two letters is the beginning of one: a trigram index finds no shorter part.
        """
        found = self
        for part in searched_parts(text):
            found = found.filter(search_text__contains=part)
        return found

    def holding_role(self, role: str, now: datetime) -> Self:
        """Those who hold the role of this id or name now, in whatever scope.

        Asks the database at once whether few do: to look those up is always fast, while the database would guess, and
        sometimes walk through a million users in the wished order for the few that it looks for.
        """
        assignments = self._related("role_assignments").objects.live(now)
        roles = assignments.model._meta.get_field("role").related_model.objects
        is_id = role.isascii() and role.isdigit() and len(role) < 10
        pk: Any = int(role) if is_id else Subquery(roles.filter(name=role).values("pk")[:1])
        holders = assignments.filter(role=pk).values_list("user", flat=True)
        few = list(holders.distinct()[: FEW_HOLDERS + 1])
        return self.filter(pk__in=few if len(few) <= FEW_HOLDERS else holders)

    def locked_out(self, now: datetime) -> Self:
        """Locked by staff, or by wrong passwords at this moment."""
        by_staff = self.model._default_manager.filter(locked_at__isnull=False).values("pk")
        return self.filter(pk__in=by_staff.union(self._locks(now).values("user")))

    def not_locked_out(self, now: datetime) -> Self:
        """All others."""
        return self.filter(~Exists(self._locks(now).filter(user=OuterRef("pk"))), locked_at__isnull=True)

    def with_access(self, now: datetime) -> Self:
        """With `live_assignments` (of roles, with these), `is_locked`, and `locked_until` by wrong passwords."""
        assignments = self._related("role_assignments").objects.live(now).select_related("role")
        own_locks = self._locks(now).filter(user=OuterRef("pk"))
        return self.annotate(
            is_locked=Q(locked_at__isnull=False) | Q(Exists(own_locks)),
            locked_until=Subquery(own_locks.order_by("-locked_until").values("locked_until")[:1]),
        ).prefetch_related(Prefetch("role_assignments", queryset=assignments, to_attr="live_assignments"))

    def _locks(self, now: datetime) -> Any:
        return self._related("login_attempts").objects.filter(locked_until__gt=now, user__isnull=False)

    def _related(self, name: str) -> Any:
        return self.model._meta.get_field(name).related_model
