"""Record changes of roles, permissions and scopes as security events; invalidate cached data of changed users."""

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from accounts.models import User
from accounts.models.users import NOT_CACHED, cache_key
from accounts.services import audit
from accounts.states import EventKind
from foodfleet.core.cache import coherent
from foodfleet.core.http.clients import Client
from rbac import signals
from rbac.models import Role, RoleAssignment, Scope, ScopeMembership


@receiver(signals.role_granted, dispatch_uid="accounts.role_granted")
def record_role_granted(assignment: RoleAssignment, actor: User | None, client: Client, **kwargs: Any) -> None:
    """Record that a user was given a role."""
    audit.record(
        kind=EventKind.ROLE_GRANTED, user=assignment.user, actor=actor, client=client, details=_described(assignment)
    )


@receiver(signals.role_revoked, dispatch_uid="accounts.role_revoked")
def record_role_revoked(assignment: RoleAssignment, actor: User | None, client: Client, **kwargs: Any) -> None:
    """Record that a role was taken from a user."""
    audit.record(
        kind=EventKind.ROLE_REVOKED, user=assignment.user, actor=actor, client=client, details=_described(assignment)
    )


@receiver(signals.role_changed, dispatch_uid="accounts.role_changed")
def record_role_changed(role: Role, actor: User | None, client: Client, **kwargs: Any) -> None:
    """Record a change of a role."""
    details = {"role": role.name, "role_id": role.pk, **{name: kwargs[name] for name in ("change", "gained", "lost")}}
    audit.record(kind=EventKind.ROLE_CHANGED, user=None, actor=actor, client=client, details=details)


@receiver(signals.permission_changed, dispatch_uid="accounts.permission_changed")
def record_permission_changed(codename: str, change: str, actor: User | None, client: Client, **kwargs: Any) -> None:
    """Record that a permission was added or deleted."""
    details = {"permission": codename, "change": change}
    audit.record(kind=EventKind.PERMISSION_CHANGED, user=None, actor=actor, client=client, details=details)


SCOPE_EVENTS = {
    "created": EventKind.SCOPE_CREATED,
    "updated": EventKind.SCOPE_UPDATED,
    "deleted": EventKind.SCOPE_DELETED,
}


@receiver(signals.scope_changed, dispatch_uid="accounts.scope_changed")
def record_scope_changed(scope: Scope, change: str, actor: User | None, client: Client, **kwargs: Any) -> None:
    """Record that a scope was created, changed or deleted."""
    parent = scope.parent.identifier if scope.parent else None
    details = {"scope": scope.identifier, "scope_id": scope.pk, "name": scope.name, "parent": parent}
    audit.record(kind=SCOPE_EVENTS[change], user=None, actor=actor, client=client, details=details)


@receiver(signals.member_added, dispatch_uid="accounts.member_added")
def record_member_added(membership: ScopeMembership, actor: User | None, client: Client, **kwargs: Any) -> None:
    """Record that a user became a member of a scope."""
    _record_member(EventKind.SCOPE_MEMBER_ADDED, membership, actor, client)


@receiver(signals.member_removed, dispatch_uid="accounts.member_removed")
def record_member_removed(membership: ScopeMembership, actor: User | None, client: Client, **kwargs: Any) -> None:
    """Record that a user is no longer a member of a scope."""
    _record_member(EventKind.SCOPE_MEMBER_REMOVED, membership, actor, client)


def _record_member(kind: EventKind, membership: ScopeMembership, actor: User | None, client: Client) -> None:
    details = {"scope": membership.scope_id}
    audit.record(kind=kind, user=membership.user, actor=actor, client=client, details=details)


def _described(assignment: RoleAssignment) -> dict[str, Any]:
    until = assignment.expires_at
    return {
        "role": assignment.role.name,
        "role_id": assignment.role_id,
        "scope": assignment.scope or None,
        "expires_at": until.isoformat().replace("+00:00", "Z") if until else None,
    }


@receiver(post_save, sender=User, dispatch_uid="accounts.user_saved")
def user_saved(instance: User, created: bool, update_fields: frozenset[str] | None, **kwargs: Any) -> None:
    """Invalidate the cached data of this user."""
    if not created and not (update_fields and update_fields <= NOT_CACHED):
        coherent.invalidate(cache_key(instance.pk))


@receiver(post_delete, sender=User, dispatch_uid="accounts.user_deleted")
def user_deleted(instance: User, **kwargs: Any) -> None:
    """Invalidate the cached data of a deleted user."""
    coherent.invalidate(cache_key(instance.pk))
