"""May this user do that? One answer for views, the admin, templates and services."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from threading import local
from time import time
from typing import Any

from django.core.signals import request_started
from django.db import connection
from django.dispatch import receiver

from foodfleet.core.cache import coherent
from foodfleet.core.exceptions import InsufficientPermissionsException
from rbac.models import RoleAssignment
from rbac.services import graph

MEMO = "_access_memo"
MEMO_SECONDS = 1.0  # a user object outside of requests, as a long task holds one, asks again after that long
KEPT_USERS = 20_000
NO_LABELS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Held:
    """One assignment as the checks see it. expires_at: Unix time, infinite where it has no end."""

    role_id: int
    scope: str
    expires_at: float


@dataclass(frozen=True)
class Access:
    """What a user may do from now until `until` (Unix time), when the next of the assignments expires."""

    everywhere: frozenset[str]
    in_scope: Mapping[str, frozenset[str]]
    role_ids: frozenset[int]
    requires_2fa: bool
    forbids_sms_code: bool
    until: float
    roles: graph.Graph

    def holds(self, label: str, scope: str | None) -> bool:
        """Whether `label` is held in `scope`; without one, everywhere."""
        return label in self.everywhere or bool(scope and label in self.in_scope.get(scope, NO_LABELS))

    def labels(self, scope: str | None) -> frozenset[str]:
        """All that is held in `scope`; without one, everywhere."""
        return self.everywhere | self.in_scope.get(scope, NO_LABELS) if scope else self.everywhere


@dataclass(frozen=True)
class _Memo:
    access: Access
    request: object
    local_changes: int
    until: float
    unsettled: list[Any] | None  # of the transaction that it was read in: another list once that ended or lost a part

    def serves(self, now: float, request: object) -> bool:
        return (
            now < self.until
            and self.request is request
            and self.local_changes == coherent.local_invalidations()
            and (self.unsettled is None or self.unsettled is connection.run_on_commit)
        )


_thread = local()
_kept: dict[int, tuple[tuple[str, ...], list[Held]]] = {}


@receiver(request_started, dispatch_uid="rbac.decisions.new_request")
def _new_request(**kwargs: Any) -> None:
    """What a user object remembers serves one request: the next one asks for the stamps again."""
    _thread.request = object()


def has(user: Any, label: str, scope: Any = None, clock: Callable[[], float] = time) -> bool:
    """Whether `user` may do `label` (`users:read` or Django's `accounts.view_user`) in `scope`, else everywhere.

    scope: `fleet:12`, or an object that stands for one (see `scope_of`). clock: Unix time. Superusers may do all,
    inactive users nothing.
    """
    if not user.is_active:
        return False
    if user.is_superuser:
        return True
    if user.pk is None:
        return False
    if "." in label:
        label = graph.canonical(label)
    return access_of(user, clock).holds(label, scope if scope is None else scope_of(scope))


def require(user: Any, *labels: str, scope: Any = None) -> None:
    """Let `user` pass if they hold all `labels`. Raises InsufficientPermissionsException, naming the missing."""
    if missing := [label for label in labels if not has(user, label, scope)]:
        raise InsufficientPermissionsException.missing(*missing)


def labels_of(user: Any, scope: Any = None) -> frozenset[str]:
    """Every label that `user` holds, everywhere or in `scope`; a superuser all that there are."""
    if not user.is_active or user.pk is None:
        return NO_LABELS
    if user.is_superuser:
        return access_of(user).roles.labels
    return access_of(user).labels(scope if scope is None else scope_of(scope))


def roles_of(user: Any) -> list[str]:
    """Names of the roles that `user` holds now, wherever, in alphabetical order."""
    if user.pk is None:
        return []
    access = access_of(user)
    return sorted(access.roles.roles[role_id].name for role_id in access.role_ids)


def requires_second_factor(user: Any) -> bool:
    """Whether one of the user's roles, in whatever scope, demands a second factor."""
    return bool(user.pk and access_of(user).requires_2fa)


def forbids_sms_code(user: Any) -> bool:
    """Whether one of the user's roles, in whatever scope, lets no text message be the second factor."""
    return bool(user.pk and access_of(user).forbids_sms_code)


def scope_of(thing: Any) -> str:
    """The scope that `thing` stands for: itself if it is a string, its `access_scope`, or `model:pk` of a row."""
    if isinstance(thing, str):
        return thing
    if (scope := getattr(thing, "access_scope", None)) is not None:
        return str(scope)
    return f"{thing._meta.model_name}:{thing.pk}" if hasattr(thing, "_meta") else str(thing)


def access_of(user: Any, clock: Callable[[], float] = time) -> Access:
    """What the assignments of `user` give now; neither is_superuser nor is_active counts here.

    Costs nothing while the user object remembers it: within one request, as long as this process changes nothing and
    nothing expires. Beyond that it compares version stamps.
    """
    now = clock()
    request = getattr(_thread, "request", None)
    memo: _Memo | None = user.__dict__.get(MEMO)
    if memo is not None and memo.serves(now, request):
        return memo.access
    changes = coherent.local_invalidations()
    access = _load(user.pk, now)
    unsettled = connection.run_on_commit if connection.in_atomic_block else None
    user.__dict__[MEMO] = _Memo(access, request, changes, min(access.until, now + MEMO_SECONDS), unsettled)
    return access


def access_until(user: Any, moment: datetime | None) -> Access:
    """What `user` holds now and will still hold just before `moment`; None: for good."""
    end = inf if moment is None else moment.timestamp()
    versions, roles = _versions_and_roles(user.pk)
    now = time()
    return _combined([held for held in _assignments(user.pk, versions, now) if held.expires_at >= end], roles, now)


def stamp_of(user_id: int) -> str:
    """The key under which a user's assignments are stamped."""
    return f"access:{user_id}"


def _load(user_id: int, now: float) -> Access:
    versions, roles = _versions_and_roles(user_id)
    return _combined(_assignments(user_id, versions, now), roles, now)


def _versions_and_roles(user_id: int) -> tuple[tuple[str, ...], graph.Graph]:
    versions = coherent.current_versions(stamp_of(user_id), graph.STAMP)
    return versions, graph.current(versions[1])


def _assignments(user_id: int, versions: tuple[str, ...], now: float) -> list[Held]:
    kept = _kept.get(user_id)
    if kept is not None and kept[0][0] == versions[0]:
        return kept[1]
    rows = RoleAssignment.objects.filter(user=user_id).live(datetime.fromtimestamp(now, UTC))
    held = [
        Held(role_id, scope, inf if expires_at is None else expires_at.timestamp())
        for role_id, scope, expires_at in rows.values_list("role_id", "scope", "expires_at")
    ]
    if not connection.in_atomic_block:  # what is not committed may never be
        if len(_kept) >= KEPT_USERS:
            _kept.clear()
        _kept[user_id] = (versions, held)
    return held


def _combined(assignments: list[Held], roles: graph.Graph, now: float) -> Access:
    everywhere: set[str] = set()
    in_scope: dict[str, frozenset[str]] = {}
    live = [held for held in assignments if held.expires_at > now and held.role_id in roles.roles]
    for held in live:
        labels = roles.roles[held.role_id].labels
        if held.scope:
            in_scope[held.scope] = in_scope.get(held.scope, NO_LABELS) | labels
        else:
            everywhere |= labels
    return Access(
        everywhere=frozenset(everywhere),
        in_scope=in_scope,
        role_ids=frozenset(held.role_id for held in live),
        requires_2fa=any(roles.roles[held.role_id].requires_2fa for held in live),
        forbids_sms_code=any(roles.roles[held.role_id].forbids_sms_code for held in live),
        until=min((held.expires_at for held in live), default=inf),
        roles=roles,
    )
