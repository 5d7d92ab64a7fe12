"""Preview of a change of a role, changes between its revisions, and comparison of two roles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from rbac.models import CODENAME_SEPARATOR, Role, RoleAssignment, RoleRevision
from rbac.services import graph

MAX_EXAMPLES = 5


@dataclass(frozen=True)
class Effect:
    """A codename that users gain or lose: how many users, and examples."""

    permission: str
    users: int
    examples: tuple[Any, ...]


@dataclass(frozen=True)
class Preview:
    """The codenames that users gain and lose. Superusers and inactive users do not count: nothing changes for them."""

    gained: tuple[Effect, ...]
    lost: tuple[Effect, ...]


def preview(*, role: Role, permissions: Iterable[str], includes: Iterable[int] | None = None) -> Preview:
    """Return what would change if `role` had exactly these own permissions and included these roles.

    includes: ids of roles; None: those that it includes now. Raises ValidationException for an unknown codename.

    Besides `graph.load` it takes one query, and two for each distinct set of other roles of the holders that give the
    same codenames, regardless of the number of codenames and holders.
    """
    before = graph.load()
    new = {graph.resolve_alias(codename) for codename in permissions}
    graph.ensure_known(new, before.codenames)
    own = before.roles[role.pk].own
    new |= {name for name in own if CODENAME_SEPARATOR not in name}  # from Django's admin; edits keep them
    after = before.with_own(role.pk, frozenset(new), None if includes is None else frozenset(includes))
    had, has = before.roles[role.pk].codenames, after.roles[role.pk].codenames
    affected = _Affected(frozenset(other.id for other in before.roles.values() if role.pk in other.reach))
    return Preview(
        gained=tuple(affected.effect(codename, after, before) for codename in sorted((new - own) | (has - had))),
        lost=tuple(affected.effect(codename, before, after) for codename in sorted((own - new) | (had - has))),
    )


class _Affected:
    """The users affected by a change of roles. Users are counted once for all codenames that the same roles give.

    changing: ids of the changed role and of the roles that include it.
    """

    def __init__(self, changing: frozenset[int]) -> None:
        self.now = timezone.now()
        self.other_roles = changing.union(RoleAssignment.objects.other_roles_of_holders(changing, self.now))
        self.counts: dict[tuple[frozenset[int], frozenset[int]], tuple[int, tuple[Any, ...]]] = {}

    def effect(self, codename: str, holding: graph.Graph, otherwise: graph.Graph) -> Effect:
        """Return the users who have `codename` with the graph `holding` but not with the graph `otherwise`."""
        covering = otherwise.holding(codename)
        key = holding.holding(codename) - covering, covering & self.other_roles
        if key not in self.counts:
            self.counts[key] = self._count(*key)
        return Effect(codename, *self.counts[key])

    def _count(self, having: frozenset[int], covering: frozenset[int]) -> tuple[int, tuple[Any, ...]]:
        """Count holders of the roles `having` without one of `covering` in the same scope or everywhere."""
        assignments = RoleAssignment.objects.of_roles(having).live(self.now)
        users = assignments.not_covered_by(covering, self.now).people()
        return users.count(), tuple(users.order_by("pk")[:MAX_EXAMPLES])


# -- Differences
FIELDS = ("name", "requires_2fa", "forbids_sms_code", "is_deleted")


@dataclass(frozen=True)
class Comparison:
    """The permissions of both roles, and those that only one of them has, including inherited ones."""

    both: tuple[str, ...]
    left: tuple[str, ...]
    right: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """The changes of a revision. included, excluded: names of roles. fields: (name, old, new) of other fields."""

    revision: RoleRevision
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    fields: tuple[tuple[Any, Any, Any], ...] = ()


def compare(left: int, right: int) -> Comparison:
    """Return the permissions that the two roles have in common, and those that only one of them has."""
    roles = graph.latest().roles
    own, other = roles[left].codenames, roles[right].codenames
    return Comparison(*(tuple(sorted(part)) for part in (own & other, own - other, other - own)))


def changes(revisions: Sequence[RoleRevision]) -> list[Change]:
    """Return the changes of each revision against the next one in the list, which is older.

    The last one is compared with an empty role.
    """
    ids = {included for revision in revisions for included in revision.included_roles}
    names = {role.pk: str(role.name) for role in Role.objects.filter(pk__in=ids)}
    older: list[RoleRevision | None] = [*revisions[1:], None]
    return [_change(revision, before, names) for revision, before in zip(revisions, older, strict=True)]


def _change(revision: RoleRevision, before: RoleRevision | None, names: dict[int, str]) -> Change:
    had, has = set(before.permissions if before else ()), set(revision.permissions)
    was, now = set(before.included_roles if before else ()), set(revision.included_roles)
    pairs = [(name, getattr(before or revision, name), getattr(revision, name)) for name in FIELDS]
    return Change(
        revision,
        added=tuple(sorted(has - had)),
        removed=tuple(sorted(had - has)),
        included=_named(now - was, names),
        excluded=_named(was - now, names),
        fields=tuple(pair for pair in pairs if pair[1] != pair[2]),
    )


def _named(ids: Iterable[int], names: dict[int, str]) -> tuple[str, ...]:
    return tuple(sorted(names.get(pk, f"#{pk}") for pk in ids))
