"""Explain why a user has or does not have a permission, now or at a past time."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from rbac.models import RoleAssignment, RoleRevision, Scope
from rbac.services import decisions, graph, users


@dataclass(frozen=True)
class Reason:
    """An assignment that gives the permission, and the path from its role to the included role that has it directly.

    permission_since, permission_by: when and by whom the permission was added to that last role.
    """

    assignment: RoleAssignment
    role: str
    path: tuple[str, ...]
    granted_by: str | None
    permission_since: datetime | None
    permission_by: str | None


@dataclass(frozen=True)
class Missing:
    """Why the user does not have the permission.

    known: whether the permission exists. roles: names of the roles with it. elsewhere: other scopes in which the user
    has it. expired: when the user last had it.
    """

    permission: str
    known: bool
    is_active: bool
    roles: tuple[str, ...]
    elsewhere: tuple[str, ...]
    expired: datetime | None


@dataclass(frozen=True)
class Explanation:
    """The decision, with all reasons for it or with what is missing."""

    allowed: bool
    superuser: bool
    because: tuple[Reason, ...]
    missing: Missing | None
    at: datetime


def explain(*, user: Any, permission: str, scope: str = "", at: datetime | None = None) -> Explanation:
    """Return every reason why `user` has `permission` in `scope` at that time, or what is missing."""
    when = at or timezone.now()
    codename = graph.resolve_alias(permission)
    status = users.status_at(user, at)
    roles = graph.load() if at is None else past(when)
    giving = roles.holding(codename)
    in_force = list(RoleAssignment.objects.of(user).of_roles(giving).in_force_at(when).order_by("granted_at", "pk"))
    covering = {"", *roles.scope_and_above(scope)}
    effective = [assignment for assignment in in_force if assignment.scope in covering]
    superuser = status.is_superuser and status.is_active
    allowed = superuser or (status.is_active and bool(effective))
    missing = None
    if not allowed:
        missing = Missing(
            permission=codename,
            known=codename in roles.codenames,
            is_active=status.is_active,
            roles=tuple(sorted(roles.roles[role_id].name for role_id in giving)),
            elsewhere=tuple(sorted({assignment.scope for assignment in in_force} - covering)),
            expired=_last_held(user, giving, covering, when),
        )
    reasons = tuple(_reasons(effective, roles, codename, when)) if allowed else ()
    return Explanation(allowed, superuser, reasons, missing, when)


def past(when: datetime) -> graph.Graph:
    """Return the graph of roles at `when`, from their revisions. Scopes have no history: their parents are today's."""
    revisions = [row for row in RoleRevision.objects.at(when) if not row.is_deleted]
    rows = [graph.RoleRow(row.role_id, row.name, row.requires_2fa, row.forbids_sms_code) for row in revisions]
    own = {row.role_id: set(row.permissions) for row in revisions}
    included = {row.role_id: set(row.included_roles) for row in revisions}
    above = graph.scopes_above(Scope.objects.parents())
    return graph.assemble(rows, own, included, frozenset().union(*own.values()) if own else frozenset(), above)


def path_to(role_id: int, codename: str, roles: graph.Graph) -> tuple[int, ...]:
    """Return the ids of the roles on the shortest path from this role to one that has `codename` directly."""
    paths: list[tuple[int, ...]] = [(role_id,)]
    seen = {role_id}
    for path in paths:
        role = roles.roles[path[-1]]
        if codename in role.own:
            return path
        for included in sorted(role.includes - seen):
            seen.add(included)
            paths.append((*path, included))
    return ()


def _reasons(
    assignments: Iterable[RoleAssignment], roles: graph.Graph, codename: str, when: datetime
) -> Iterable[Reason]:
    found = []
    for assignment in assignments:
        path = path_to(assignment.role_id, codename, roles)
        found.append((assignment, path, RoleRevision.objects.that_added(path[-1], codename, when)))
    ids = {one.granted_by_id for one, _, _ in found} | {added.created_by_id for _, _, added in found if added}
    people_by_id = get_user_model()._default_manager.in_bulk(ids - {None})
    names = {None: None, **{pk: str(people_by_id.get(pk, f"#{pk}")) for pk in ids if pk is not None}}
    for assignment, path, added in found:
        role_names = tuple(roles.roles[role_id].name for role_id in path)
        yield Reason(
            assignment=assignment,
            role=role_names[0],
            path=role_names,
            granted_by=names[assignment.granted_by_id],
            permission_since=added.created_at if added else None,
            permission_by=names[added.created_by_id] if added else None,
        )


def _last_held(user: Any, giving: Iterable[int], covering: Collection[str], when: datetime) -> datetime | None:
    """Return when the user last had a role of `giving` in one of these scopes before `when`."""
    ends = [
        min(end for end in (row.expires_at, row.ended_at) if end is not None)
        for row in RoleAssignment.objects.of(user).of_roles(giving).ended_or_expired_by(when)
        if row.scope in covering
    ]
    return max(ends, default=None)


def check(*, user: Any, permissions: Iterable[str], scope: str = "") -> dict[str, bool]:
    """Return for each codename whether `user` has it now."""
    return {codename: decisions.has(user, codename, scope or None) for codename in permissions}
