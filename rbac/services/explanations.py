"""Why may this user do that, or why not; now, or at any time in the past."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from rbac.models import RoleAssignment, RoleRevision
from rbac.services import decisions, graph, people


@dataclass(frozen=True)
class Reason:
    """One assignment that gives the permission, and the way from its role to the role that has it.

    permission_since, permission_by: when that last role was given the permission that it had then, and by whom.
    """

    assignment: RoleAssignment
    role: str
    path: tuple[str, ...]
    granted_by: str | None
    permission_since: datetime | None
    permission_by: str | None


@dataclass(frozen=True)
class Missing:
    """What would have to be different. known: there is such a permission.

    roles: names of those that have it. elsewhere: scopes in which the user holds it. expired: when it was held last.
    """

    permission: str
    known: bool
    is_active: bool
    roles: tuple[str, ...]
    elsewhere: tuple[str, ...]
    expired: datetime | None


@dataclass(frozen=True)
class Explanation:
    """allowed, with every reason for it; missing where it is not allowed."""

    allowed: bool
    superuser: bool
    because: tuple[Reason, ...]
    missing: Missing | None
    at: datetime


def explain(*, user: Any, permission: str, scope: str = "", at: datetime | None = None) -> Explanation:
    """Name every way by which `user` holds `permission` in `scope` at that time, or what is missing."""
    moment = at or timezone.now()
    label = graph.canonical(permission)
    standing = people.standing(user, at)
    roles = graph.load() if at is None else past(moment)
    giving = roles.holding(label)
    held = list(RoleAssignment.objects.of(user).of_roles(giving).held_at(moment).order_by("granted_at", "pk"))
    effective = [assignment for assignment in held if assignment.scope in ("", scope)]
    superuser = standing.is_superuser and standing.is_active
    allowed = superuser or (standing.is_active and bool(effective))
    missing = None
    if not allowed:
        missing = Missing(
            permission=label,
            known=label in roles.labels,
            is_active=standing.is_active,
            roles=tuple(sorted(roles.roles[role_id].name for role_id in giving)),
            elsewhere=tuple(sorted({assignment.scope for assignment in held} - {"", scope})),
            expired=_held_last(user, giving, scope, moment),
        )
    reasons = tuple(_reasons(effective, roles, label, moment)) if allowed else ()
    return Explanation(allowed, superuser, reasons, missing, moment)


def past(moment: datetime) -> graph.Graph:
    """The roles as they were at `moment`, from their revisions."""
    revisions = [row for row in RoleRevision.objects.at(moment) if not row.is_deleted]
    rows = [graph.RoleRow(row.role_id, row.name, row.requires_2fa, row.forbids_sms_code) for row in revisions]
    own = {row.role_id: set(row.permissions) for row in revisions}
    included = {row.role_id: set(row.included_roles) for row in revisions}
    return graph.assemble(rows, own, included, frozenset().union(*own.values()) if own else frozenset())


def way_to(role_id: int, label: str, roles: graph.Graph) -> tuple[int, ...]:
    """Ids of the roles from this one to the nearest that has `label` as its own."""
    ways: list[tuple[int, ...]] = [(role_id,)]
    seen = {role_id}
    for way in ways:
        facts = roles.roles[way[-1]]
        if label in facts.own:
            return way
        for included in sorted(facts.includes - seen):
            seen.add(included)
            ways.append((*way, included))
    return ()


def _reasons(
    assignments: Iterable[RoleAssignment], roles: graph.Graph, label: str, moment: datetime
) -> Iterable[Reason]:
    found = []
    for assignment in assignments:
        way = way_to(assignment.role_id, label, roles)
        found.append((assignment, way, RoleRevision.objects.that_gave(way[-1], label, moment)))
    ids = {one.granted_by_id for one, _, _ in found} | {given.created_by_id for _, _, given in found if given}
    people_by_id = get_user_model()._default_manager.in_bulk(ids - {None})
    names = {None: None, **{pk: str(people_by_id.get(pk, f"#{pk}")) for pk in ids if pk is not None}}
    for assignment, way, given in found:
        path = tuple(roles.roles[step].name for step in way)
        yield Reason(
            assignment=assignment,
            role=path[0],
            path=path,
            granted_by=names[assignment.granted_by_id],
            permission_since=given.created_at if given else None,
            permission_by=names[given.created_by_id] if given else None,
        )


def _held_last(user: Any, giving: Iterable[int], scope: str, moment: datetime) -> datetime | None:
    """When the user last held it in this scope, if ever before `moment`."""
    ends = [
        min(end for end in (row.expires_at, row.ended_at) if end is not None)
        for row in RoleAssignment.objects.of(user).of_roles(giving).over_at(moment)
        if row.scope in ("", scope)
    ]
    return max(ends, default=None)


def check(*, user: Any, permissions: Iterable[str], scope: str = "") -> dict[str, bool]:
    """For each label whether `user` holds it now."""
    return {label: decisions.has(user, label, scope or None) for label in permissions}
