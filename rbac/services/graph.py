"""All roles with their inclusions, and the hierarchy of scopes, in memory.

Without a lease (`core.cache.coherent`), one SELECT of their version tells whether they have to be read again.
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
    """A row of a role, without inclusions."""

    id: int
    name: str
    requires_2fa: bool
    forbids_sms_code: bool


@dataclass(frozen=True)
class RoleNode:
    """A role of the graph. own, includes: its own codenames, and the ids of the roles that it includes directly.

    codenames, reach (ids, also its own) and the role requirements comprise all included roles.
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
    """All roles by id, all codenames, and the scopes above each scope with a parent, nearest first."""

    roles: Mapping[int, RoleNode]
    codenames: frozenset[str]
    above: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def holding(self, codename: str) -> frozenset[int]:
        """Return the ids of the roles that have `codename`, directly or by inclusion."""
        return frozenset(role.id for role in self.roles.values() if codename in role.codenames)

    def scope_and_above(self, scope: str) -> tuple[str, ...]:
        """Return `scope` and the scopes above it, whose assignments apply in `scope`."""
        return (scope, *self.above.get(scope, ()))

    def with_below(self, scopes: Iterable[str]) -> frozenset[str]:
        """Return these scopes and all below them."""
        own = frozenset(scopes)
        return own.union(scope for scope, above in self.above.items() if not own.isdisjoint(above))

    def inherited(self, role_id: int) -> dict[str, tuple[str, ...]]:
        """Return the codenames that the role has by inclusion, with the names of the roles that have them directly."""
        found: dict[str, list[str]] = {}
        for included in self.roles[role_id].reach - {role_id}:
            for codename in self.roles[included].own:
                found.setdefault(codename, []).append(self.roles[included].name)
        return {codename: tuple(sorted(names)) for codename, names in found.items()}

    def with_own(self, role_id: int, codenames: frozenset[str], includes: frozenset[int] | None = None) -> "Graph":
        """Return the graph with other own codenames of this role and, unless None, other included roles."""
        rows = [RoleRow(role.id, role.name, role.requires_2fa, role.forbids_sms_code) for role in self.roles.values()]
        own = {role.id: role.own for role in self.roles.values()}
        included = {role.id: role.includes for role in self.roles.values()}
        if includes is not None:
            included[role_id] = includes
        return assemble(rows, {**own, role_id: codenames}, included, self.codenames, self.above)


# The queries of `load`. They are compiled once, because each change of a role and each use in a transaction runs them.
_LINKS = Compiled(
    lambda: Role.permissions.through.objects.values_list(
        "group_id", "permission__content_type__app_label", "permission__codename"
    )
)
_INCLUSIONS = Compiled(lambda: RoleInclusion.objects.values_list("role_id", "included_id"))
_ROLES = Compiled(lambda: Role.objects.live().values_list("pk", *RoleRow._fields[1:]))
_CODENAMES = Compiled(lambda: resource_permissions().values_list("codename"))

_graphs: coherent.Cache[Graph] = coherent.Cache(size=1, name="roles")
_known: tuple[str | None, Graph] | None = None  # the version and the graph of it


def latest() -> Graph:
    """Return the graph, for reading. Code that changes roles uses `lock_and_load`."""
    if connection.in_atomic_block:
        return of_version(version())
    return _graphs.get(VERSION_KEY, (VERSION_KEY,), lambda: of_version(version()))


def version() -> str | None:
    """Return the version of roles and scopes in the database."""
    return CacheVersion.objects.version_of(VERSION_KEY)


def of_version(found: str | None) -> Graph:
    """Return the graph of the version that the caller has just read from the database."""
    global _known
    known = _known
    if known is not None and known[0] == found:
        return known[1]
    graph = load()
    if not connection.in_atomic_block:  # because changes of the transaction may be rolled back
        _known = (found, graph)
    return graph


def load() -> Graph:
    """Read the graph from the database."""
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
    """Return the scopes above each scope, nearest first. It stops at a cycle, which only manual SQL can create."""
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
    """Build the graph: compute codenames and requirements of each role from its inclusions."""
    known = {row.id: row for row in rows}
    roles = {}
    for pk, row in known.items():
        reach = reach_of(pk, included) & known.keys()
        roles[pk] = RoleNode(
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
    """Return the ids of the role and of all roles that it includes, directly or indirectly."""
    seen: set[int] = set()
    pending = [role_id]
    while pending:
        member = pending.pop()
        if member not in seen:
            seen.add(member)
            pending.extend(included.get(member, ()))
    return frozenset(seen)


def codename_of(app: str, name: str) -> str:
    """Return the codename of a row of `auth_permission`, such as `users:read` for Django's own `accounts.view_user`."""
    return name if CODENAME_SEPARATOR in name else resolve_alias(f"{app}.{name}")


@lru_cache(maxsize=4096)  # few names, looked up often
def resolve_alias(name: str) -> str:
    """Return the codename of an alias: `accounts.view_user`, `users.read` and `rbac.users:read` are `users:read`."""
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
    """Lock all roles until the end of the transaction, and read them.

    All code that edits or assigns roles calls it first, so that such changes happen one after the other.
    """
    CacheVersion.objects.lock(VERSION_KEY)
    return load()


def invalidate() -> None:
    """Invalidate the cached graph in every process. Call it in the transaction that changes roles or scopes."""
    with transaction.atomic():
        CacheVersion.objects.replace(VERSION_KEY)
        coherent.invalidate(VERSION_KEY)


def ensure_known(requested: Iterable[str], codenames: frozenset[str]) -> None:
    """Raise ValidationException for `requested` codenames that are not among the existing `codenames`."""
    if unknown := sorted(set(requested) - codenames):
        message = str(_("There is no permission %(codenames)s.")) % {"codenames": ", ".join(unknown)}
        raise ValidationException.for_field("permissions", message, "permission_not_found")


def rows_for(codenames: Iterable[str]) -> list[Permission]:
    """Return the rows of `auth_permission` for `codenames`, without unknown ones."""
    return list(resource_permissions().filter(codename__in=list(codenames)))
