"""Queries of the user list that staff work with. Each stays fast with a million users."""

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

FEW_HOLDERS = 2000  # a list of at most so many holders of a role is filtered by their ids
LOCKED_UNTIL = "(SELECT MAX(blocked_until) FROM {limits} WHERE subject = {users}.id AND blocked_until > %s)"

ROLE_IDS = (
    "(SELECT {aggregate}(CAST(role_id AS text), ',') FROM {assignments} WHERE user_id = {users}.id"
    " AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > %s))"
)
AGGREGATES = {"postgresql": "string_agg", "sqlite": "group_concat"}


class DirectoryQuerySet(ScopedQuerySet["User"]):
    """Users as staff find them."""

    def in_scopes(self, scopes: Collection[str]) -> Self:
        """Members of any of these scopes."""
        return self.filter(pk__in=ScopeMembership.objects.in_scopes(scopes).values("user"))

    def present(self) -> Self:
        """Not deleted."""
        return self.filter(deleted_at__isnull=True)

    def search(self, text: str) -> Self:
        """Each word of `text` is a part of the e-mail address, a name or the phone, whatever its case.

        A word of one or two letters has to be at the beginning: a trigram index finds no shorter part.
        """
        found = self
        for part in searched_parts(text):
            found = found.filter(search_text__contains=part)
        return found

    def with_attributes(self, values: dict[str, Any]) -> Self:
        """Those whose custom attributes have these values; PostgreSQL finds them along an index."""
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
        """Those who hold the role with this id or name now, in any scope.

        Counts the holders first: for few of them a filter by ids is always fast, while the planner may scan a million
        users in the requested order to find them.
        """
        is_id = role.isascii() and role.isdigit() and len(role) < 10
        pk: Any = int(role) if is_id else Subquery(Role.objects.filter(name=role).values("pk")[:1])
        holders = RoleAssignment.objects.live(now).filter(role=pk).values_list("user", flat=True)
        few = list(holders.distinct()[: FEW_HOLDERS + 1])
        return self.filter(pk__in=few if len(few) <= FEW_HOLDERS else holders)

    def service_accounts(self) -> Self:
        """Accounts of programs: found among them, who are few, and not among all users."""
        return self.filter(pk__in=accounts_models.ServiceAccount.objects.values("pk"))

    def people(self) -> Self:
        """Accounts of people."""
        return self.filter(is_service_account=False)

    def locked_out(self, now: datetime) -> Self:
        """Locked by staff, or by wrong passwords now."""
        by_staff = self.model._default_manager.filter(locked_at__isnull=False).values("pk")
        return self.filter(pk__in=by_staff.union(_locks(now).values("subject")))

    def not_locked_out(self, now: datetime) -> Self:
        """Locked neither by staff nor by wrong passwords."""
        return self.filter(~Exists(_locks(now).filter(subject=OuterRef("pk"))), locked_at__isnull=True)

    def with_locks(self, now: datetime) -> Self:
        """Annotate `locked_until`: the end of the lock by wrong passwords, None without one.

        SQL, because the ORM needs longer to build this subquery than to do everything else for a page of users.
        """
        locked_until = RawSQL(  # noqa: S611  no text of a user is in it
            LOCKED_UNTIL.format(limits=RateLimit._meta.db_table, users=self.model._meta.db_table),
            [connections[self.db].ops.adapt_datetimefield_value(now)],
            output_field=models.DateTimeField(),
        )
        return self.annotate(locked_until=locked_until)

    def with_role_ids(self, now: datetime) -> Self:
        """Annotate `role_ids`: the ids of the roles that they hold in any scope, separated by commas; None for none.

        In the statement of the users, because a second one costs more than reading the assignments.
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
    """Blocks by wrong passwords; their subject is the user."""
    return RateLimit.objects.blocking(now).filter(subject__isnull=False)
