"""Decide whether a user has a permission, for views, the admin, templates and services."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from threading import local
from time import time
from typing import Any

from django.core.signals import request_started
from django.db import connection
from django.dispatch import receiver

from foodfleet.core.cache import coherent
from foodfleet.core.database.commits import transaction_marker
from foodfleet.core.exceptions import InsufficientPermissionsException
from foodfleet.core.models import CacheVersion
from rbac.models import RoleAssignment
from rbac.services import graph

MEMO = "_access_memo"  # attribute of a user object
MEMO_SECONDS = 1.0  # lifetime of a memo outside of requests, such as in a long task
CACHED_USERS = 20_000
NO_CODENAMES: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ActiveAssignment:
    """An assignment for access checks. expires_at: Unix time; infinite if it does not expire."""

    role_id: int
    scope: str
    expires_at: float


@dataclass(frozen=True)
class Access:
    """The permissions of a user until `until` (Unix time), when the next assignment expires.

    in_scope: codenames by the scope of the assignment; they also apply in the scopes below it. role_ids: by scope, ''
    for everywhere.
    """

    everywhere: frozenset[str]
    in_scope: Mapping[str, frozenset[str]]
    role_ids: Mapping[str, frozenset[int]]
    requires_2fa: bool
    forbids_sms_code: bool
    until: float
    roles: graph.Graph

    def holds(self, codename: str, scope: str | None) -> bool:
        """Return whether the user has `codename` in `scope`; without a scope, everywhere."""
        if codename in self.everywhere:
            return True
        if not scope or not self.in_scope:
            return False
        return any(codename in self.in_scope.get(one, NO_CODENAMES) for one in self.roles.scope_and_above(scope))

    def codenames(self, scope: str | None) -> frozenset[str]:
        """Return all codenames in `scope`; without a scope, everywhere."""
        if not scope or not self.in_scope:
            return self.everywhere
        above = self.roles.scope_and_above(scope)
        return self.everywhere.union(*(self.in_scope.get(one, NO_CODENAMES) for one in above))

    def scopes_with(self, codename: str, covering: str = "") -> frozenset[str]:
        """Return the scopes in which a role gives `codename`, and those below. covering: see `scopes_with` below."""
        holding = {scope for scope, codenames in self.in_scope.items() if codename in codenames}
        if covering:
            holding &= {*self.roles.scope_and_above(covering)}
        return self.roles.with_below(holding)


@dataclass(frozen=True)
class ScopeAccess:
    """The roles of a user in one scope, None for everywhere, and their permissions there and in the scopes below."""

    scope: str | None
    roles: list[str]
    permissions: list[str]


@dataclass(frozen=True)
class _Memo:
    access: Access
    request: object
    local_invalidations: int
    until: float
    marker: object  # of the transaction in which it was read; None outside of one

    def is_valid(self, now: float, request: object) -> bool:
        return (
            now < self.until
            and self.request is request
            and self.local_invalidations == coherent.local_invalidations()
            and (self.marker is None or self.marker is transaction_marker())
        )


_thread = local()
_accesses: coherent.Cache[Access] = coherent.Cache(size=CACHED_USERS, name="access")


@receiver(request_started, dispatch_uid="rbac.decisions.new_request")
def _new_request(**kwargs: Any) -> None:
    """Mark the start of a request, because memos of user objects are valid for one request only."""
    _thread.request = object()


def has(user: Any, codename: str, scope: Any = None, clock: Callable[[], float] = time) -> bool:
    """Return whether `user` has `codename` (`users:read` or Django's `accounts.view_user`) in `scope`.

    scope: `fleet:12`, or an object with a scope (see `scope_of`); None requires the permission everywhere. clock:
    returns Unix time. Superusers have every permission, inactive users none.
    """
    if not user.is_active:
        return False
    if holds_everything(user):
        return True
    if user.pk is None:
        return False
    if "." in codename:
        codename = graph.resolve_alias(codename)
    return access_of(user, clock).holds(codename, scope if scope is None else scope_of(scope))


def holds_everything(user: Any) -> bool:
    """Return whether `user` is a superuser, and the request is not limited to some permissions by an API key."""
    return user.is_superuser and user.acting_permissions is None


def require(user: Any, *codenames: str, scope: Any = None) -> None:
    """Raise InsufficientPermissionsException, with the missing codenames, unless `user` has all `codenames`."""
    if missing := [codename for codename in codenames if not has(user, codename, scope)]:
        raise InsufficientPermissionsException.missing(*missing)


def scopes_with(user: Any, codename: str, covering: str = "") -> frozenset[str] | None:
    """Return the scopes in which `user` has `codename`; None means everywhere.

    covering: count only assignments that apply in this scope.
    """
    if has(user, codename):
        return None
    if not user.is_active or user.pk is None:
        return frozenset()
    return access_of(user).scopes_with(graph.resolve_alias(codename), covering)


def require_somewhere(user: Any, codename: str) -> None:
    """Raise InsufficientPermissionsException, with the codename, unless `user` has it everywhere or in any scope."""
    if scopes_with(user, codename) == frozenset():
        raise InsufficientPermissionsException.missing(codename)


def codenames_of(user: Any, scope: Any = None) -> frozenset[str]:
    """Return the codenames that `user` has everywhere and, if given, in `scope`; for a superuser all codenames."""
    if not user.is_active or user.pk is None:
        return NO_CODENAMES
    if holds_everything(user):
        return access_of(user).roles.codenames
    return access_of(user).codenames(scope if scope is None else scope_of(scope))


def roles_of(user: Any) -> list[str]:
    """Return the names of the current roles of `user` in any scope, in alphabetical order."""
    if user.pk is None:
        return []
    access = access_of(user)
    ids = frozenset().union(*access.role_ids.values())
    return sorted(access.roles.roles[role_id].name for role_id in ids)


def by_scope(user: Any) -> list[ScopeAccess]:
    """Return the roles of `user` and their permissions by the scope of the assignment; everywhere first."""
    if user.pk is None:
        return []
    access = access_of(user)
    names = {role_id: role.name for role_id, role in access.roles.roles.items()}
    return [
        ScopeAccess(
            scope=scope or None,
            roles=sorted(names[role_id] for role_id in ids),
            permissions=sorted(access.in_scope[scope] if scope else access.everywhere),
        )
        for scope, ids in sorted(access.role_ids.items())
    ]


def requires_mfa(user: Any) -> bool:
    """Return whether one of the user's roles, in any scope, requires two-factor authentication."""
    return bool(user.pk and access_of(user).requires_2fa)


def forbids_sms_code(user: Any) -> bool:
    """Return whether one of the user's roles, in any scope, forbids codes by SMS."""
    return bool(user.pk and access_of(user).forbids_sms_code)


def scope_of(thing: Any) -> str:
    """Return the scope of `thing`: a string itself, its `access_scope`, or `model:pk` of a row."""
    if isinstance(thing, str):
        return thing
    if (scope := getattr(thing, "access_scope", None)) is not None:
        return str(scope)
    return f"{thing._meta.model_name}:{thing.pk}" if hasattr(thing, "_meta") else str(thing)


def access_of(user: Any, clock: Callable[[], float] = time) -> Access:
    """Return the permissions that the assignments of `user` give now, regardless of is_superuser and is_active.

    If the request is limited to some permissions (`acting_permissions`), only these are returned, also for a superuser.

    The user object keeps a memo of the result within one request, until this process changes something or an assignment
    expires. In a transaction the result is read from the database, so that it includes changes that the transaction
    waited for.
    """
    now = clock()
    request = getattr(_thread, "request", None)
    memo: _Memo | None = getattr(user, MEMO, None)  # not from __dict__: `request.user` may be a lazy wrapper
    if memo is not None and memo.is_valid(now, request):
        return memo.access
    invalidations = coherent.local_invalidations()
    access = _limited(_of_user(user.pk, now), user)
    until = min(access.until, now + MEMO_SECONDS)
    setattr(user, MEMO, _Memo(access, request, invalidations, until, transaction_marker()))
    return access


def access_until(user: Any, until: datetime | None) -> Access:
    """Return the permissions that `user` has now and still at `until`; None: those without an end."""
    end = inf if until is None else until.timestamp()
    now = time()
    assignments, roles = _read(user.pk, now)
    lasting = [one for one in assignments if one.expires_at >= end]
    return _limited(_combined(lasting, roles, now), user)


def _limited(access: Access, user: Any) -> Access:
    limit: frozenset[str] | None = user.acting_permissions
    if limit is None:
        return access
    everywhere = access.roles.codenames if user.is_superuser else access.everywhere
    in_scope = {scope: codenames & limit for scope, codenames in access.in_scope.items()}
    return replace(access, everywhere=everywhere & limit, in_scope=in_scope)


def invalidate(user_id: int) -> None:
    """Invalidate the cached assignments of a user. Call it in the transaction that changes them."""
    coherent.invalidate(_key(user_id))


def _key(user_id: int) -> str:
    return f"access:{user_id}"


def _keys(user_id: int) -> tuple[str, ...]:
    return _key(user_id), graph.VERSION_KEY


def is_current(user_id: int, access: Access) -> bool:
    """Return whether `access` is still cached for the user and not expired. Makes no query."""
    return _accesses.known(user_id, _keys(user_id)) is access and time() < access.until


def _of_user(user_id: int, now: float) -> Access:
    if connection.in_atomic_block:
        return _combined(*_read(user_id, now), now)
    keys, load = _keys(user_id), lambda: _combined(*_read(user_id, now), now)
    access = _accesses.get(user_id, keys, load)
    if now < access.until:
        return access
    _accesses.drop(user_id)  # an assignment has expired
    return _accesses.get(user_id, keys, load)


def _read(user_id: int, now: float) -> tuple[list[ActiveAssignment], graph.Graph]:
    """Read the assignments and, in the same statement if there are any, the version of the roles."""
    rows = RoleAssignment.objects.filter(user=user_id).live(datetime.fromtimestamp(now, UTC)).annotate(
        roles_version=CacheVersion.objects.filter(key=graph.VERSION_KEY).values("value")[:1]
    )  # fmt: skip
    found = list(rows.values_list("role_id", "scope", "expires_at", "roles_version"))
    assignments = [
        ActiveAssignment(role_id, scope, inf if expires_at is None else expires_at.timestamp())
        for role_id, scope, expires_at, _ in found
    ]
    return assignments, graph.of_version(found[0][3]) if found else graph.latest()


def _combined(assignments: list[ActiveAssignment], roles: graph.Graph, now: float) -> Access:
    codenames: dict[str, frozenset[str]] = {}
    role_ids: dict[str, frozenset[int]] = {}
    live = [one for one in assignments if one.expires_at > now and one.role_id in roles.roles]
    for one in live:
        codenames[one.scope] = codenames.get(one.scope, NO_CODENAMES) | roles.roles[one.role_id].codenames
        role_ids[one.scope] = role_ids.get(one.scope, frozenset()) | {one.role_id}
    return Access(
        everywhere=codenames.pop("", NO_CODENAMES),
        in_scope=codenames,
        role_ids=role_ids,
        requires_2fa=any(roles.roles[one.role_id].requires_2fa for one in live),
        forbids_sms_code=any(roles.roles[one.role_id].forbids_sms_code for one in live),
        until=min((one.expires_at for one in live), default=inf),
        roles=roles,
    )
