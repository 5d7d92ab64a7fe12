"""Create, change and delete scopes, and manage their members. actor: None for the system itself."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client
from foodfleet.core.models import LARGEST_ID
from rbac import signals
from rbac.exceptions import (
    AlreadyExistsException,
    MemberNotFoundException,
    ScopeInUseException,
    ScopeNotFoundException,
)
from rbac.models import RoleAssignment, Scope, ScopeMembership
from rbac.services import actors, assignments, graph, limits, users
from rbac.services.assignments import SYSTEM

FIXED = ("kind", "key")  # because assignments refer to scopes by them


def create(
    *, actor: Any, kind: str, key: str, name: str = "", parent: int | None = None, client: Client = SYSTEM
) -> Scope:
    """Create a scope, below `parent` if there is one.

    Existing assignments in `kind:key` apply in it. Raises ValidationException, AlreadyExistsException,
    InsufficientPermissionsException as `update` does, and the exceptions of `actors.lock_actor`.
    """
    scope = Scope(kind=kind, key=key, name=name.strip())
    if not assignments.KIND.fullmatch(kind):
        raise ValidationException.for_field("kind", _("Give a word in small letters, such as fleet."), "invalid")
    if not assignments.KEY.fullmatch(key) or not assignments.is_scope(f"{kind}:{key}"):
        raise ValidationException.for_field("key", _("Give an id of letters, digits, dots or hyphens."), "invalid")
    with transaction.atomic():
        roles = graph.lock_and_load()
        current = actors.lock_actor(actor, "scopes:create")
        scope.identifier = f"{kind}:{key}"
        _place(scope, parent, current, roles)
        try:
            with transaction.atomic():
                scope.save(force_insert=True)
        except IntegrityError:
            raise AlreadyExistsException from None
        signals.scope_changed.send(sender=Scope, scope=scope, change="created", actor=actor, client=client)
    return scope


def update(*, actor: Any, scope_id: int, changes: Mapping[str, Any], client: Client = SYSTEM) -> Scope:
    """Change the name or the parent (an id or None). Kind and key cannot change, because assignments refer to them.

    Raises ScopeNotFoundException, ValidationException (also for a cycle), InsufficientPermissionsException if users
    would gain or lose permissions in the scope that the actor does not have there, and the exceptions of
    `actors.lock_actor`.
    """
    with transaction.atomic():
        roles = graph.lock_and_load()
        current = actors.lock_actor(actor, "scopes:update")
        scope = _lock(scope_id)
        for field in FIXED:
            if changes.get(field, getattr(scope, field)) != getattr(scope, field):
                message = _("Roles name the scope by its kind and key, so these cannot be changed.")
                raise ValidationException.for_field(field, message, "fixed")
        before = (scope.name, scope.parent_id)
        if "parent" in changes and changes["parent"] != scope.parent_id:
            _place(scope, changes["parent"], current, roles)
        scope.name = changes.get("name", scope.name).strip()
        if (scope.name, scope.parent_id) == before:
            return scope
        scope.save(update_fields=["name", "parent"])
        signals.scope_changed.send(sender=Scope, scope=scope, change="updated", actor=actor, client=client)
    return scope


def delete(*, actor: Any, scope_id: int, client: Client = SYSTEM) -> None:
    """Delete a scope that is not in use.

    Raises ScopeNotFoundException, ScopeInUseException and the exceptions of `actors.lock_actor`.
    """
    with transaction.atomic():
        graph.lock_and_load()
        actors.lock_actor(actor, "scopes:delete")
        scope = _lock(scope_id)
        uses = {
            "members": scope.memberships.count(),
            "assignments": RoleAssignment.objects.in_any_scope([scope.identifier]).live(timezone.now()).count(),
            "scopes": scope.children.count(),
        }
        if any(uses.values()):
            raise ScopeInUseException(details=uses)
        pk = scope.pk
        scope.delete()
        scope.pk = pk  # for the receivers
        signals.scope_changed.send(sender=Scope, scope=scope, change="deleted", actor=actor, client=client)


def find(scope_id: int) -> Scope:
    """Return the scope with this id. Raises ScopeNotFoundException."""
    scope = Scope.objects.filter(pk=scope_id).first()
    if scope is None:
        raise ScopeNotFoundException
    return scope


def add_member(*, actor: Any, scope_id: int, user: Any, client: Client = SYSTEM) -> tuple[ScopeMembership, bool]:
    """Make `user` a member of the scope; return the membership and whether it is new.

    Raises ScopeNotFoundException, HolderNotFoundException for a deleted user, and the exceptions of
    `limits.ensure_gains_nothing` and `actors.lock_actor`.
    """
    with transaction.atomic():
        current = actors.lock_actor(actor, "scopes:update", with_users=[user.pk])
        users.lock_existing(user)
        scope = _lock(scope_id)
        limits.ensure_gains_nothing(current, user, scope.identifier)
        membership, is_new = ScopeMembership.objects.get_or_create(scope=scope, user=user, defaults={"added_by": actor})
        if is_new:
            signals.member_added.send(sender=ScopeMembership, membership=membership, actor=actor, client=client)
    return membership, is_new


def add_new_users(*, actor: Any, new: Collection[tuple[Any, str]], client: Client = SYSTEM) -> None:
    """Make users whom this transaction has created members of scopes. new: pairs of user and scope identifier.

    Raises ScopeNotFoundException, and the exceptions of `actors.lock_actor`.
    """
    actors.lock_actor(actor, "scopes:update")
    found = Scope.objects.filter(identifier__in={scope for _user, scope in new}).order_by("pk").select_for_update()
    scopes = {scope.identifier: scope for scope in found}
    if any(scope not in scopes for _user, scope in new):
        raise ScopeNotFoundException
    rows = [ScopeMembership(user=user, scope=scopes[scope], added_by=actor) for user, scope in new]
    for membership in ScopeMembership.objects.bulk_create(rows):
        signals.member_added.send(sender=ScopeMembership, membership=membership, actor=actor, client=client)


def remove_member(*, actor: Any, scope_id: int, user_id: int, client: Client = SYSTEM) -> None:
    """Remove `user_id` from the scope. From the next request on, permissions in the scope do not apply to this user.

    Raises ScopeNotFoundException, MemberNotFoundException, and the exceptions of `actors.lock_actor`.
    """
    scope = find(scope_id)
    if user_id > LARGEST_ID:
        raise MemberNotFoundException
    with transaction.atomic():
        actors.lock_actor(actor, "scopes:update", with_users=[user_id])
        of_user = ScopeMembership.objects.of(user_id).filter(scope=scope)
        membership = of_user.select_related("scope", "user").first()
        if membership is None or not of_user.delete()[0]:
            raise MemberNotFoundException
        signals.member_removed.send(sender=ScopeMembership, membership=membership, actor=actor, client=client)


def remove_all_of_deleted(user: Any) -> None:
    """Remove the memberships of a user whose account is deleted."""
    ScopeMembership.objects.of(user).delete()


def unknown(identifiers: Iterable[str]) -> set[str]:
    """Return those of `identifiers` that no scope has."""
    given = set(identifiers)
    return given.difference(Scope.objects.filter(identifier__in=given).values_list("identifier", flat=True))


def _lock(scope_id: int) -> Scope:
    """Lock the scope, so that it is not deleted while it gets a member. Raises ScopeNotFoundException."""
    scope = Scope.objects.select_for_update(of=("self",)).filter(pk=scope_id).first()
    if scope is None:
        raise ScopeNotFoundException
    return scope


def _place(scope: Scope, parent_id: int | None, actor: Any, roles: graph.Graph) -> None:
    """Set the parent.

    Roles in the scopes above start or cease to apply in the scope, so the actor must have their permissions there.
    """
    before = {*roles.above.get(scope.identifier, ())}
    parent = None
    if parent_id is not None:
        parent = Scope.objects.filter(pk=parent_id).first()
        if parent is None:
            raise ValidationException.for_field("parent", ScopeNotFoundException.message, "scope_not_found")
    after = {*roles.scope_and_above(parent.identifier)} if parent else set()
    if scope.identifier in after:
        raise ValidationException.for_field("parent", _("A scope cannot be below itself."), "cycle")
    changing = RoleAssignment.objects.in_any_scope(before ^ after).live(timezone.now())
    role_ids = changing.order_by().values_list("role", flat=True).distinct()
    codenames = frozenset().union(*(roles.roles[role_id].codenames for role_id in role_ids if role_id in roles.roles))
    limits.ensure_may_give(actor, codenames, scope=scope.identifier)
    scope.parent = parent
