"""Limits of staff: they cannot grant permissions that they do not have, or act on a user who has more."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from foodfleet.core.exceptions import ForbiddenException, InsufficientPermissionsException
from rbac.exceptions import EqualPowerException, HolderNotFoundException, SuperusersOnlyException
from rbac.models import ScopeMembership
from rbac.services import decisions

READ = "users:read"
# The permissions that in a scope apply to its members.
OVER_MEMBERS = frozenset({READ, "users:update", "users:lock", "roles:read", "roles:assign", "notifications:send"})


def ensure_may_act_on(actor: Any, user: Any) -> None:
    """Ensure that `actor` has every permission of `user`, in every scope, before acting on that account.

    All users may act on themselves, and the system itself (actor None) on everybody. Permissions of an inactive or
    locked user count too, because they return with the account. Raises SuperusersOnlyException if only `user` is a
    superuser, or InsufficientPermissionsException with the permissions that `actor` lacks.
    """
    if actor is None or decisions.holds_everything(actor) or actor.pk == user.pk:
        return
    if user.is_superuser:
        raise SuperusersOnlyException
    own, theirs = decisions.access_of(actor), decisions.access_of(user)
    missing = set(theirs.everywhere - own.everywhere)
    for scope, codenames in theirs.in_scope.items():
        missing |= codenames - own.codenames(scope)
    if missing:
        raise InsufficientPermissionsException.missing(*sorted(missing))


def ensure_has_less(actor: Any, user: Any) -> None:
    """Ensure that `actor` may act on `user`, but `user` may not act on `actor`.

    Raises EqualPowerException and the exceptions of `ensure_may_act_on`.
    """
    ensure_may_act_on(actor, user)
    try:
        ensure_may_act_on(user, actor)
    except ForbiddenException:
        return
    raise EqualPowerException


def ensure_reaches(actor: Any, user: Any, codename: str, *, scope: str = "") -> None:
    """Ensure that `actor` has `codename` for this user: everywhere, or in a scope that the user belongs to.

    scope: count only assignments of the actor that apply in this scope. Raises HolderNotFoundException if the actor has
    it in other scopes but may not see the user, and InsufficientPermissionsException otherwise.
    """
    if actor is None or decisions.has(actor, codename):
        return
    decisions.require_somewhere(actor, codename)
    memberships = ScopeMembership.objects.of(user)
    if memberships.in_scopes(decisions.scopes_with(actor, codename, scope) or ()).exists():
        return
    seen_in = decisions.scopes_with(actor, READ)
    if seen_in is not None and not memberships.in_scopes(seen_in).exists():
        raise HolderNotFoundException
    raise InsufficientPermissionsException.missing(codename)


def ensure_gains_nothing(actor: Any, user: Any, scope: str) -> None:
    """Ensure that `actor` gets no permission over `user` by making them a member of `scope`.

    Raises InsufficientPermissionsException with the permissions that the actor would get.
    """
    if actor is None or decisions.holds_everything(actor):
        return
    own = decisions.access_of(actor)
    current = ScopeMembership.objects.of(user).values_list("scope__identifier", flat=True)
    before = own.everywhere.union(*(own.codenames(one) for one in current))
    ensure_within(before, own.codenames(scope) & OVER_MEMBERS)


def ensure_may_give(actor: Any, codenames: Iterable[str], *, scope: str = "", until: datetime | None = None) -> None:
    """Ensure that `actor` may grant `codenames` in `scope` until `until`; None: permanently.

    The system itself (actor None) may grant everything. A temporary permission cannot be granted for longer. Raises
    InsufficientPermissionsException with the permissions that the actor does not have in the scope until then.
    """
    ensure_within(permissions_of(actor, scope=scope, until=until), codenames)


def permissions_of(actor: Any, *, scope: str = "", until: datetime | None = None) -> frozenset[str] | None:
    """Return the codenames that `actor` has in `scope` until `until`; None: all.

    Call it before the change: after the edit of a role, its holders would already have the added permissions.
    """
    if actor is None or (actor.is_active and decisions.holds_everything(actor)):
        return None
    return decisions.access_until(actor, until).codenames(scope or None) if actor.is_active else decisions.NO_CODENAMES


def ensure_within(allowed: frozenset[str] | None, codenames: Iterable[str]) -> None:
    """Raise InsufficientPermissionsException for `codenames` not in `allowed`, the result of `permissions_of`."""
    if allowed is not None and (missing := sorted(set(codenames) - allowed)):
        raise InsufficientPermissionsException.missing(*missing)
