"""Queries of the user list in the admin and the API. Each must stay fast with a million users."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import connections, models
from django.db.models import Exists, OuterRef, Prefetch, Subquery
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KeyTransform

from accounts import models as accounts_models
from foodfleet.core.models import RateLimit, RateLimitQuerySet
from foodfleet.core.typed_text import searched_parts
from rbac.models import Role, RoleAssignment, ScopedQuerySet, ScopeMembership

if TYPE_CHECKING:
    from accounts.models.users import User  # noqa: F401 (in a string below)

MAX_HOLDERS_BY_ID = 2000  # up to so many holders of a role, users are filtered by a list of ids
LOCKED_UNTIL = "(SELECT MAX(blocked_until) FROM {limits} WHERE subject = {users}.id AND blocked_until > %s)"

ROLE_IDS = (
    "(SELECT {aggregate}(CAST(role_id AS text), ',') FROM {assignments} WHERE user_id = {users}.id"
    " AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > %s))"
)
AGGREGATES = {"postgresql": "string_agg", "sqlite": "group_concat"}


class DirectoryQuerySet(ScopedQuerySet["User"]):
    """Users, with the filters of the user list."""

    def in_scopes(self, scopes: Collection[str]) -> Self:
        """Filter members of any of these scopes."""
        return self.filter(pk__in=ScopeMembership.objects.in_scopes(scopes).values("user"))

    def present(self) -> Self:
        """Filter users who are not deleted."""
        return self.filter(deleted_at__isnull=True)

    def search(self, text: str) -> Self:
        """Filter users by words that occur in the e-mail address, a name or the phone, ignoring case.

        A word of one or two letters matches only at the beginning, because a trigram index needs three characters.
        """
        found = self
        for part in searched_parts(text):
            found = found.filter(search_text__contains=part)
        return found

    def with_attributes(self, values: dict[str, Any]) -> Self:
        """Filter users whose custom attributes have these values; PostgreSQL uses an index for it."""
        if not values:
            return self
        if connections[self.db].vendor == "postgresql":
            return self.filter(attributes__contains=values)
        found = self
        for name, value in values.items():
            found = found.alias(**{f"attribute_{name}": KeyTransform(name, "attributes")})
            found = found.filter(**{f"attribute_{name}": value})
        return found

    def holding_role(self, role: str, now: datetime) -> Self:
        """Filter users who hold the role with this id or name now, in any scope.

        Up to MAX_HOLDERS_BY_ID holders are read first: a filter by their ids is always fast, while for a subquery the
        planner may scan a million users in the requested order.
        """
        is_id = role.isascii() and role.isdigit() and len(role) < 10
        pk: Any = int(role) if is_id else Subquery(Role.objects.filter(name=role).values("pk")[:1])
        holders = RoleAssignment.objects.live(now).filter(role=pk).values_list("user", flat=True)
        first = list(holders.distinct()[: MAX_HOLDERS_BY_ID + 1])
        return self.filter(pk__in=first if len(first) <= MAX_HOLDERS_BY_ID else holders)

    def service_accounts(self) -> Self:
        """Filter the accounts of programs."""
        # By a subquery, because service accounts are few and `is_service_account` has no index.
        return self.filter(pk__in=accounts_models.ServiceAccount.objects.values("pk"))

    def people(self) -> Self:
        """Filter the accounts of people."""
        return self.filter(is_service_account=False)

    def locked_out(self, now: datetime) -> Self:
        """Filter users who are locked by staff or, at `now`, by wrong passwords."""
        by_staff = self.model._default_manager.filter(locked_at__isnull=False).values("pk")
        return self.filter(pk__in=by_staff.union(_locks(now).values("subject")))

    def not_locked_out(self, now: datetime) -> Self:
        """Filter users who are locked neither by staff nor, at `now`, by wrong passwords."""
        return self.filter(~Exists(_locks(now).filter(subject=OuterRef("pk"))), locked_at__isnull=True)

    def with_locks(self, now: datetime) -> Self:
        """Annotate `locked_until`: when the lock by wrong passwords ends, or None.

        Raw SQL, because the ORM takes longer to build this subquery than all the rest of a page of users.
        """
        locked_until = RawSQL(  # noqa: S611  no text of a user is in it
            LOCKED_UNTIL.format(limits=RateLimit._meta.db_table, users=self.model._meta.db_table),
            [connections[self.db].ops.adapt_datetimefield_value(now)],
            output_field=models.DateTimeField(),
        )
        return self.annotate(locked_until=locked_until)

    def with_role_ids(self, now: datetime) -> Self:
        """Annotate `role_ids`: ids of the roles that the user holds in any scope, separated by commas; None for none.

        A subquery instead of a prefetch, because a second statement costs more than reading the assignments.
        """
        connection = connections[self.db]
        sql = ROLE_IDS.format(
            aggregate=AGGREGATES[connection.vendor], assignments=RoleAssignment._meta.db_table,
            users=self.model._meta.db_table,
        )  # fmt: skip
        since = connection.ops.adapt_datetimefield_value(now)
        return self.annotate(role_ids=RawSQL(sql, [since], output_field=models.TextField()))  # noqa: S611

    def with_access(self, now: datetime) -> Self:
        """Annotate `locked_until` as `with_locks`, and prefetch `live_assignments` with their roles."""
        assignments = RoleAssignment.objects.live(now).select_related("role")
        return self.with_locks(now).prefetch_related(
            Prefetch("role_assignments", queryset=assignments, to_attr="live_assignments")
        )


def _locks(now: datetime) -> RateLimitQuerySet:
    """Return the locks by wrong passwords at `now`. Their subject is the user's id."""
    return RateLimit.objects.blocking(now).filter(subject__isnull=False)
