"""Assign roles to users and end assignments, which remain as history."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client
from rbac import signals
from rbac.exceptions import AlreadyExistsException, RoleNotFoundException
from rbac.models import LONGEST_IDENTIFIER, Role, RoleAssignment, RoleAssignmentQuerySet
from rbac.services import actors, decisions, graph, limits, users

KIND, KEY = re.compile(r"[a-z][a-z0-9_]*"), re.compile(r"[A-Za-z0-9_.-]+")
SCOPE = re.compile(f"{KIND.pattern}:{KEY.pattern}")
PERMISSION = "roles:assign"
SYSTEM = Client()  # for commands and receivers


@dataclass(frozen=True)
class NewAssignment:
    """A role to assign to a user: everywhere, or in a scope."""

    user: Any
    role: Role
    scope: str = ""


def grant(
    *,
    actor: Any,
    user: Any,
    role: Role,
    scope: str = "",
    expires_at: datetime | None = None,
    client: Client = SYSTEM,
) -> RoleAssignment:
    """Assign the role to `user`: everywhere or in `scope`, permanently or until `expires_at`.

    It replaces an assignment of the same role in the same scope. actor: None for the system itself. Raises
    InsufficientPermissionsException if the role has permissions that the actor does not have in that scope until that
    time, or if the user has more power than the actor; ValidationException, RoleNotFoundException,
    HolderNotFoundException, and the exceptions of `limits.ensure_reaches` and `actors.lock_actor`.
    """
    now = timezone.now()
    _ensure_valid(scope, expires_at, now)
    with transaction.atomic():
        node = graph.lock_and_load().roles.get(role.pk)
        if node is None:
            raise RoleNotFoundException
        current = actors.lock_actor(actor, PERMISSION, scope=scope or None, with_users=[user.pk])
        users.lock_existing(user)
        limits.ensure_reaches(current, user, PERMISSION, scope=scope)
        limits.ensure_may_act_on(current, user)
        limits.ensure_may_give(current, node.codenames, scope=scope, until=expires_at)
        decisions.invalidate(user.pk)
        before = RoleAssignment.objects.of(user).of_roles([role.pk]).in_scope(scope).unended()
        _end(before, now, actor)
        assignment = _insert(user=user, role=role, scope=scope, granted_at=now, granted_by=actor, expires_at=expires_at)
        signals.role_granted.send(sender=RoleAssignment, assignment=assignment, actor=actor, client=client)
    return assignment


def _insert(**values: Any) -> RoleAssignment:
    try:
        with transaction.atomic():
            assignment: RoleAssignment = RoleAssignment.objects.create(**values)
            return assignment
    except IntegrityError:  # a concurrent grant of the same role
        raise AlreadyExistsException from None


def is_scope(text: str) -> bool:
    """Return whether the text can be the scope of an assignment; '' means everywhere."""
    return not text or (len(text) <= LONGEST_IDENTIFIER and bool(SCOPE.fullmatch(text)))


def ensure_may_assign(actor: Any, roles: Iterable[tuple[Role, str]]) -> None:
    """Ensure that `actor` may assign these roles, each in its scope, to new users. Raises the exceptions of `grant`."""
    known = graph.latest().roles
    for role, scope in roles:
        if role.pk not in known:
            raise RoleNotFoundException
        decisions.require(actor, PERMISSION, scope=scope or None)
        limits.ensure_may_give(actor, known[role.pk].codenames, scope=scope)


def assignable_roles(actor: Any) -> frozenset[int]:
    """Return the ids of the roles that `actor` may assign, because they have all its permissions in some scope."""
    roles = graph.latest().roles.values()
    scopes = decisions.scopes_with(actor, PERMISSION)
    held = [decisions.codenames_of(actor, scope) for scope in ([None] if scopes is None else scopes)]
    return frozenset(role.id for role in roles if any(role.codenames <= codenames for codenames in held))


def grant_to_new_users(*, actor: Any, new: Sequence[NewAssignment], client: Client = SYSTEM) -> None:
    """Assign roles to users whom this transaction has created, each role once in a scope.

    Such users have no cached data and no assignments to replace. actor: checked with `ensure_may_assign`; None for the
    system itself.
    """
    now = timezone.now()
    known = graph.lock_and_load().roles
    if any(one.role.pk not in known for one in new):
        raise RoleNotFoundException
    if actor is not None:
        ensure_may_assign(actors.lock_actor(actor), {(one.role, one.scope) for one in new})
    rows = [
        RoleAssignment(user=one.user, role=one.role, scope=one.scope, granted_at=now, granted_by=actor) for one in new
    ]
    for assignment in RoleAssignment.objects.bulk_create(rows):
        signals.role_granted.send(sender=RoleAssignment, assignment=assignment, actor=actor, client=client)


def revoke(*, actor: Any, user: Any, role: Role, scope: str | None = None, client: Client = SYSTEM) -> int:
    """End assignments of the role to `user`, in one scope or, with None, in all; return how many.

    Raises RoleNotFoundException if there is nothing to end, InsufficientPermissionsException if the user has more power
    than the actor, and the exceptions of `limits.ensure_reaches` and `actors.lock_actor`.
    """
    now = timezone.now()
    with transaction.atomic():
        current = actors.lock_actor(actor, PERMISSION, scope=scope, with_users=[user.pk])
        limits.ensure_reaches(current, user, PERMISSION, scope=scope or "")
        limits.ensure_may_act_on(current, user)
        decisions.invalidate(user.pk)
        current_assignments = RoleAssignment.objects.of(user).of_roles([role.pk]).unended()
        if scope is not None:
            current_assignments = current_assignments.in_scope(scope)
        ended = _end(current_assignments, now, actor)
        if not ended:
            raise RoleNotFoundException(_("The user does not hold this role."))
        for assignment in ended:
            signals.role_revoked.send(sender=RoleAssignment, assignment=assignment, actor=actor, client=client)
    return len(ended)


def end_all_of_deleted(user: Any) -> int:
    """End all assignments of a deleted user and return how many. `ended_by` stays empty."""
    with transaction.atomic():
        decisions.invalidate(user.pk)
        return RoleAssignment.objects.of(user).end(timezone.now(), None)


def current_of(user: Any) -> RoleAssignmentQuerySet:
    """Return the current assignments of `user`, with their roles."""
    return RoleAssignment.objects.of(user).live(timezone.now()).select_related("role")


def _end(assignments: RoleAssignmentQuerySet, now: datetime, actor: Any) -> list[RoleAssignment]:
    """End the assignments and return those that this call ended; concurrent calls return different ones."""
    ended = []
    for assignment in assignments.select_related("role"):
        if RoleAssignment.objects.filter(pk=assignment.pk).end(now, actor):
            assignment.ended_at, assignment.ended_by = now, actor
            ended.append(assignment)
    return ended


def _ensure_valid(scope: str, expires_at: datetime | None, now: datetime) -> None:
    if not is_scope(scope):
        raise ValidationException.for_field("scope", _("Give a kind and an id, such as fleet:12."), "invalid")
    if expires_at is not None and expires_at <= now:
        raise ValidationException.for_field("expires_at", _("Give a time in the future."), "in_the_past")
