"""All roles with their inclusions, and which scope is below which, in memory.

Where no lease is held (`core.cache.coherent`), one SELECT of their version tells whether they have to be read again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from foodfleet.core.cache import coherent
from foodfleet.core.database.compiled import Compiled
from foodfleet.core.exceptions import ValidationException
from foodfleet.core.models import CacheVersion
from rbac.models import CODENAME_SEPARATOR, Role, RoleInclusion, Scope, resource_permissions
from rbac.services.declarations import declared

VERSION_KEY = "roles"


class RoleRow(NamedTuple):
    """A role as stored, without inclusions."""

    id: int
    name: str
    requires_2fa: bool
    forbids_sms_code: bool


@dataclass(frozen=True)
class RoleFacts:
    """A role with its own codenames and inclusions.

    `codenames`, `reach` (ids, including its own) and the requirements for its holders include those of included roles.
    """

    id: int
    name: str
    own: frozenset[str]
    includes: frozenset[int]
    codenames: frozenset[str]
    reach: frozenset[int]
    requires_2fa: bool
    forbids_sms_code: bool


@dataclass(frozen=True)
class Graph:
    """Every role by id, all codenames, and the scopes above each scope that has a parent, the nearest first."""

    roles: Mapping[int, RoleFacts]
    codenames: frozenset[str]
    above: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def holding(self, codename: str) -> frozenset[int]:
        """Return the ids of the roles that have `codename`, directly or by inclusion."""
        return frozenset(role.id for role in self.roles.values() if codename in role.codenames)

    def scope_and_above(self, scope: str) -> tuple[str, ...]:
        """Return `scope` and the scopes above it: what is held in one of them is held in `scope`."""
        return (scope, *self.above.get(scope, ()))

    def with_below(self, scopes: Iterable[str]) -> frozenset[str]:
        """Return these scopes and all below them."""
        held = frozenset(scopes)
        return held.union(scope for scope, above in self.above.items() if not held.isdisjoint(above))

    def inherited(self, role_id: int) -> dict[str, tuple[str, ...]]:
        """Return what the role has by inclusion, each with the names of the included roles that have it themselves."""
        found: dict[str, list[str]] = {}
        for included in self.roles[role_id].reach - {role_id}:
            for codename in self.roles[included].own:
                found.setdefault(codename, []).append(self.roles[included].name)
        return {codename: tuple(sorted(names)) for codename, names in found.items()}

    def with_own(self, role_id: int, codenames: frozenset[str], includes: frozenset[int] | None = None) -> "Graph":
        """Return the graph as if this role had other codenames of its own and, unless None, included other roles."""
        rows = [RoleRow(role.id, role.name, role.requires_2fa, role.forbids_sms_code) for role in self.roles.values()]
        own = {role.id: role.own for role in self.roles.values()}
        included = {role.id: role.includes for role in self.roles.values()}
        if includes is not None:
            included[role_id] = includes
        return assemble(rows, {**own, role_id: codenames}, included, self.codenames, self.above)


# What `load` reads. Built once: each change of a role and each use in a transaction reads it.
_LINKS = Compiled(
    lambda: Role.permissions.through.objects.values_list(
        "group_id", "permission__content_type__app_label", "permission__codename"
    )
)
_INCLUSIONS = Compiled(lambda: RoleInclusion.objects.values_list("role_id", "included_id"))
_ROLES = Compiled(lambda: Role.objects.live().values_list("pk", *RoleRow._fields[1:]))
_CODENAMES = Compiled(lambda: resource_permissions().values_list("codename"))

_graphs: coherent.Cache[Graph] = coherent.Cache(size=1, name="roles")
_known: tuple[str | None, Graph] | None = None  # with its version


def latest() -> Graph:
    """Return the roles, for reading; a change is decided by `lock_and_load`."""
    if connection.in_atomic_block:
        return of_version(version())
    return _graphs.get(VERSION_KEY, (VERSION_KEY,), lambda: of_version(version()))


def version() -> str | None:
    """Return the version of the roles in the database."""
    return CacheVersion.objects.version_of(VERSION_KEY)


def of_version(found: str | None) -> Graph:
    """Return the roles of the version that the caller has just read from the database."""
    global _known
    known = _known
    if known is not None and known[0] == found:
        return known[1]
    graph = load()
    if not connection.in_atomic_block:  # never cache what may be rolled back
        _known = (found, graph)
    return graph


def load() -> Graph:
    """Read the roles from the database."""
    own: dict[int, set[str]] = {}
    for role_id, app, name in _LINKS.tuples():
        own.setdefault(role_id, set()).add(codename_of(app, name))
    included: dict[int, set[int]] = {}
    for role_id, included_id in _INCLUSIONS.tuples():
        included.setdefault(role_id, set()).add(included_id)
    rows = map(RoleRow._make, _ROLES.tuples())
    codenames = frozenset(codename for (codename,) in _CODENAMES.tuples())
    return assemble(rows, own, included, codenames, scopes_above(Scope.objects.parents()))


def scopes_above(parents: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the scopes above each scope, the nearest first. A cycle, which only SQL by hand can make, ends."""
    above: dict[str, tuple[str, ...]] = {}
    for scope in parents:
        chain: list[str] = []
        parent = parents.get(scope)
        while parent is not None and parent != scope and parent not in chain:
            chain.append(parent)
            parent = parents.get(parent)
        above[scope] = tuple(chain)
    return above


def assemble(
    rows: Iterable[RoleRow],
    own: Mapping[int, Iterable[str]],
    included: Mapping[int, Iterable[int]],
    codenames: frozenset[str],
    above: Mapping[str, tuple[str, ...]],
) -> Graph:
    """Compute the codenames and requirements of each role with its inclusions."""
    known = {row.id: row for row in rows}
    roles = {}
    for pk, row in known.items():
        reach = reach_of(pk, included) & known.keys()
        roles[pk] = RoleFacts(
            id=pk,
            name=row.name,
            own=frozenset(own.get(pk, ())),
            includes=frozenset(included.get(pk, ())) & known.keys(),
            codenames=frozenset().union(*(own.get(member, ()) for member in reach)),
            reach=reach,
            requires_2fa=any(known[member].requires_2fa for member in reach),
            forbids_sms_code=any(known[member].forbids_sms_code for member in reach),
        )
    return Graph(roles, codenames, above)


def reach_of(role_id: int, included: Mapping[int, Iterable[int]]) -> frozenset[int]:
    """Return the role and all roles that it includes, directly or not."""
    seen: set[int] = set()
    pending = [role_id]
    while pending:
        member = pending.pop()
        if member not in seen:
            seen.add(member)
            pending.extend(included.get(member, ()))
    return frozenset(seen)


def codename_of(app: str, name: str) -> str:
    """Return the codename of a row of `auth_permission`: `users:read`, also for Django's own `accounts.view_user`."""
    return name if CODENAME_SEPARATOR in name else resolve_alias(f"{app}.{name}")


@lru_cache(maxsize=4096)  # few names, looked up often
def resolve_alias(name: str) -> str:
    """Return the codename for `name`: `accounts.view_user`, `users.read` and `rbac.users:read` are `users:read`."""
    if "." not in name:
        return name
    if (aliased := declared().aliases.get(name)) is not None:
        return aliased
    app, _, codename = name.partition(".")
    if CODENAME_SEPARATOR in codename:
        return codename
    dotted = f"{app}{CODENAME_SEPARATOR}{codename}"
    return dotted if dotted in declared().codenames else name


def lock_and_load() -> Graph:
    """Lock all roles until the end of the transaction and read them, to decide a change.

    Everything that edits or assigns roles waits here, so that such changes happen one after the other.
    """
    CacheVersion.objects.lock(VERSION_KEY)
    return load()


def invalidate() -> None:
    """Invalidate the cached roles in every process, in the transaction that changes them."""
    with transaction.atomic():
        CacheVersion.objects.replace(VERSION_KEY)
        coherent.invalidate(VERSION_KEY)


def ensure_known(wanted: Iterable[str], codenames: frozenset[str]) -> None:
    """Raise ValidationException for those of `wanted` that are not among the existing `codenames`."""
    if unknown := sorted(set(wanted) - codenames):
        message = str(_("There is no permission %(codenames)s.")) % {"codenames": ", ".join(unknown)}
        raise ValidationException.for_field("permissions", message, "permission_not_found")


def rows_for(codenames: Iterable[str]) -> list[Permission]:
    """Return the rows of `auth_permission` for `codenames`; an unknown codename has none."""
    return list(resource_permissions().filter(codename__in=list(codenames)))
