"""All roles with what they include, in memory: read from the database once for each version of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from django.contrib.auth.models import Permission
from django.db import connection
from django.utils.translation import gettext_lazy as _

from foodfleet.core.cache import coherent
from foodfleet.core.exceptions import ValidationException
from rbac.models import Role, RoleInclusion
from rbac.querysets import LABEL_SEPARATOR, labelled_permissions
from rbac.services.declarations import declared

STAMP = "roles"


class RoleRow(NamedTuple):
    """A role as its row says, before inclusions count."""

    id: int
    name: str
    requires_2fa: bool
    forbids_sms_code: bool


@dataclass(frozen=True)
class RoleFacts:
    """A role, its own labels and inclusions.

    `labels`, `reach` (ids, its own too) and what it demands of its holders follow inclusions to the end.
    """

    id: int
    name: str
    own: frozenset[str]
    includes: frozenset[int]
    labels: frozenset[str]
    reach: frozenset[int]
    requires_2fa: bool
    forbids_sms_code: bool


@dataclass(frozen=True)
class Graph:
    """Every role by id, and every label that there is."""

    roles: Mapping[int, RoleFacts]
    labels: frozenset[str]

    def holding(self, label: str) -> frozenset[int]:
        """Ids of the roles that have `label`, their own or by inclusion."""
        return frozenset(role.id for role in self.roles.values() if label in role.labels)

    def with_own(self, role_id: int, labels: frozenset[str]) -> "Graph":
        """The same, if this role had other labels of its own."""
        rows = [RoleRow(role.id, role.name, role.requires_2fa, role.forbids_sms_code) for role in self.roles.values()]
        own = {role.id: role.own for role in self.roles.values()}
        included = {role.id: role.includes for role in self.roles.values()}
        return assemble(rows, {**own, role_id: labels}, included, self.labels)


_kept: tuple[tuple[str, ...], Graph] | None = None


def current(version: str) -> Graph:
    """The roles of `version`, the stamp that the caller read before."""
    global _kept
    kept = _kept
    if kept is not None and version in kept[0]:
        return kept[1]
    if connection.in_atomic_block:  # what is not committed may never be
        return load()
    versions = (version, *coherent.stored_versions(STAMP))  # known again inside a transaction too
    graph = load()
    _kept = (versions, graph)
    return graph


def load() -> Graph:
    """The roles as the database has them."""
    own: dict[int, set[str]] = {}
    links = Role.permissions.through.objects.values_list(  # type: ignore[attr-defined]
        "group_id", "permission__content_type__app_label", "permission__codename"
    )
    for role_id, app, codename in links:
        own.setdefault(role_id, set()).add(label_of(app, codename))
    included: dict[int, set[int]] = {}
    for role_id, included_id in RoleInclusion.objects.values_list("role_id", "included_id"):
        included.setdefault(role_id, set()).add(included_id)
    rows = map(RoleRow._make, Role.objects.live().values_list("pk", *RoleRow._fields[1:]))
    return assemble(rows, own, included, frozenset(labelled_permissions().values_list("codename", flat=True)))


def now() -> Graph:
    """The roles as every process knows them; for reading, not to decide a change by."""
    return current(*coherent.current_versions(STAMP))


def assemble(
    rows: Iterable[RoleRow],
    own: Mapping[int, Iterable[str]],
    included: Mapping[int, Iterable[int]],
    labels: frozenset[str],
) -> Graph:
    """Work out what each role has by inclusion."""
    known = {row.id: row for row in rows}
    roles = {}
    for pk, row in known.items():
        reach = reach_of(pk, included) & known.keys()
        roles[pk] = RoleFacts(
            id=pk,
            name=row.name,
            own=frozenset(own.get(pk, ())),
            includes=frozenset(included.get(pk, ())) & known.keys(),
            labels=frozenset().union(*(own.get(member, ()) for member in reach)),
            reach=reach,
            requires_2fa=any(known[member].requires_2fa for member in reach),
            forbids_sms_code=any(known[member].forbids_sms_code for member in reach),
        )
    return Graph(roles, labels)


def reach_of(role_id: int, included: Mapping[int, Iterable[int]]) -> frozenset[int]:
    """The role and all that it includes, near and far."""
    seen: set[int] = set()
    ahead = [role_id]
    while ahead:
        member = ahead.pop()
        if member not in seen:
            seen.add(member)
            ahead.extend(included.get(member, ()))
    return frozenset(seen)


def label_of(app: str, codename: str) -> str:
    """How a row of `auth_permission` is called here: `users:read`, also for Django's own `accounts.view_user`."""
    if LABEL_SEPARATOR in codename:
        return codename
    return canonical(f"{app}.{codename}")


@lru_cache(maxsize=4096)  # a view, an admin page and a template ask by few names, and often
def canonical(name: str) -> str:
    """The label that answers for `name`: `accounts.view_user`, `users.read` and `rbac.users:read` are `users:read`."""
    if "." not in name:
        return name
    if (label := declared().aliases.get(name)) is not None:
        return label
    app, _, codename = name.partition(".")
    if LABEL_SEPARATOR in codename:
        return codename
    dotted = f"{app}{LABEL_SEPARATOR}{codename}"
    return dotted if dotted in declared().labels else name


def locked() -> Graph:
    """The roles as they are, to decide a change by; they stay so until this transaction ends.

    Whoever changes roles or gives them away waits here for others who do, so that no two changes pass each other.
    """
    coherent.lock(STAMP)
    return load()


def touch() -> None:
    """Say that roles change: every holder's next check sees it, whichever process answers."""
    coherent.invalidate(STAMP)


def ensure_known(wanted: Iterable[str], labels: frozenset[str]) -> None:
    """Raises ValidationException for those of `wanted` that are not among `labels`, all that there are."""
    if unknown := sorted(set(wanted) - labels):
        message = str(_("There is no permission %(labels)s.")) % {"labels": ", ".join(unknown)}
        raise ValidationException.for_field("permissions", message, "permission_not_found")


def rows_for(labels: Iterable[str]) -> list[Permission]:
    """The rows of `auth_permission` behind `labels`; a label that nobody made has none."""
    return list(labelled_permissions().filter(codename__in=list(labels)))
