"""Giving roles to users and taking them away. Nothing is deleted: an assignment ends and stays as history."""

import re
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foodfleet.core.cache import coherent
from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client
from rbac import signals
from rbac.exceptions import AlreadyThereException, RoleNotFoundException
from rbac.models import Role, RoleAssignment
from rbac.querysets import RoleAssignmentQuerySet
from rbac.services import actors, decisions, graph, limits, people

SCOPE = re.compile(r"[a-z][a-z0-9_]*:[A-Za-z0-9_.-]+")
PERMISSION = "roles:assign"
NOBODY = Client()  # what commands and receivers act for


def grant(
    *,
    actor: Any,
    user: Any,
    role: Role,
    scope: str = "",
    expires_at: datetime | None = None,
    client: Client = NOBODY,
) -> RoleAssignment:
    """Give `user` the role, everywhere or in `scope`, for good or until then. actor: None for the system itself.

    The same role in the same scope once more replaces what was there: a new end, a new grantor. Raises
    InsufficientPermissionsException for what the actor does not hold, there and for as long, or where the user holds
    more than the actor, ValidationException, RoleNotFoundException, HolderNotFoundException, and as
    `actors.lock_actor`.
    """
    now = timezone.now()
    _check_shape(scope, expires_at, now)
    with transaction.atomic():
        facts = graph.locked().roles.get(role.pk)
        if facts is None:
            raise RoleNotFoundException
        current = actors.lock_actor(actor, PERMISSION, scope=scope or None, with_users=[user.pk])
        people.ensure_there(user)
        limits.ensure_may_act_on(current, user)
        limits.ensure_may_give(current, facts.labels, scope=scope, until=expires_at)
        coherent.invalidate(decisions.stamp_of(user.pk))
        before = RoleAssignment.objects.of(user).of_roles([role.pk]).in_scope(scope).unended()
        _end(before, now, actor)
        try:
            with transaction.atomic():
                assignment: RoleAssignment = RoleAssignment.objects.create(
                    user=user, role=role, scope=scope, granted_at=now, granted_by=actor, expires_at=expires_at
                )
        except IntegrityError:  # somebody else granted the same at the same moment
            raise AlreadyThereException from None
        signals.role_granted.send(sender=RoleAssignment, assignment=assignment, actor=actor, client=client)
    return assignment


def revoke(*, actor: Any, user: Any, role: Role, scope: str | None = None, client: Client = NOBODY) -> int:
    """End what `user` holds of the role, in one scope or, with None, wherever; returns how many assignments ended.

    Raises RoleNotFoundException where there is nothing to end, InsufficientPermissionsException where the user holds
    more than the actor, and as `actors.lock_actor`.
    """
    now = timezone.now()
    with transaction.atomic():
        current = actors.lock_actor(actor, PERMISSION, scope=scope, with_users=[user.pk])
        limits.ensure_may_act_on(current, user)
        coherent.invalidate(decisions.stamp_of(user.pk))
        held = RoleAssignment.objects.of(user).of_roles([role.pk]).unended()
        if scope is not None:
            held = held.in_scope(scope)
        ended = _end(held, now, actor)
        if not ended:
            raise RoleNotFoundException(_("The user does not hold this role."))
        for assignment in ended:
            signals.role_revoked.send(sender=RoleAssignment, assignment=assignment, actor=actor, client=client)
    return len(ended)


def end_all(*, actor: Any, user: Any, client: Client = NOBODY) -> int:
    """End all that `user` holds; returns how many assignments ended."""
    now = timezone.now()
    with transaction.atomic():
        coherent.invalidate(decisions.stamp_of(user.pk))
        ended = _end(RoleAssignment.objects.of(user).unended(), now, actor)
        for assignment in ended:
            signals.role_revoked.send(sender=RoleAssignment, assignment=assignment, actor=actor, client=client)
    return len(ended)


def end_all_of_deleted(user: Any) -> int:
    """End all that `user` holds when the row itself goes away, so that nothing may refer to it; returns how many."""
    with transaction.atomic():
        coherent.invalidate(decisions.stamp_of(user.pk))
        return RoleAssignment.objects.of(user).end(timezone.now(), None)


def held_by(user: Any) -> RoleAssignmentQuerySet:
    """What `user` holds now, with roles."""
    return RoleAssignment.objects.of(user).live(timezone.now()).select_related("role")


def _end(assignments: RoleAssignmentQuerySet, now: datetime, actor: Any) -> list[RoleAssignment]:
    """End them; answers those that had not ended, however many ask at once."""
    ended = []
    for assignment in assignments.select_related("role"):
        if RoleAssignment.objects.filter(pk=assignment.pk).end(now, actor):
            assignment.ended_at, assignment.ended_by = now, actor
            ended.append(assignment)
    return ended


def _check_shape(scope: str, expires_at: datetime | None, now: datetime) -> None:
    if scope and (len(scope) > 100 or not SCOPE.fullmatch(scope)):
        raise ValidationException.for_field("scope", _("Give a kind and an id, such as fleet:12."), "invalid")
    if expires_at is not None and expires_at <= now:
        raise ValidationException.for_field("expires_at", _("Give a time in the future."), "in_the_past")
