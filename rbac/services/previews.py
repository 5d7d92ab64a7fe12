"""What a change of a role would mean for its holders, what its revisions changed, and how two roles differ."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from rbac.models import CODENAME_SEPARATOR, Role, RoleAssignment, RoleRevision
from rbac.services import graph

EXAMPLES = 5


@dataclass(frozen=True)
class Effect:
    """A codename that users gain or lose: how many users, and examples."""

    permission: str
    users: int
    examples: tuple[Any, ...]


@dataclass(frozen=True)
class Preview:
    """What changes for whom. Superusers and inactive users do not count, since nothing changes for them."""

    gained: tuple[Effect, ...]
    lost: tuple[Effect, ...]


def preview(*, role: Role, permissions: Iterable[str], includes: Iterable[int] | None = None) -> Preview:
    """Return what would change if `role` had exactly these permissions of its own and included these roles.

    includes: ids of roles; None: as now.

    Costs one query, and two for each set of other roles of its holders that give the same codenames, regardless of the
    number of codenames and holders. Raises ValidationException for a codename that does not exist.
    """
    before = graph.load()
    wanted = {graph.resolve_alias(codename) for codename in permissions}
    graph.ensure_known(wanted, before.codenames)
    own = before.roles[role.pk].own
    wanted |= {name for name in own if CODENAME_SEPARATOR not in name}  # from Django's admin; edits keep them
    after = before.with_own(role.pk, frozenset(wanted), None if includes is None else frozenset(includes))
    had, has = before.roles[role.pk].codenames, after.roles[role.pk].codenames
    affected = _Affected(frozenset(facts.id for facts in before.roles.values() if role.pk in facts.reach))
    return Preview(
        gained=tuple(affected.effect(codename, after, before) for codename in sorted((wanted - own) | (has - had))),
        lost=tuple(affected.effect(codename, before, after) for codename in sorted((own - wanted) | (had - has))),
    )


class _Affected:
    """The users affected by a change of roles, with one count for all codenames that the same roles have.

    changing: the role and those that include it.
    """

    def __init__(self, changing: frozenset[int]) -> None:
        self.now = timezone.now()
        self.other_roles = changing.union(RoleAssignment.objects.other_roles_of_holders(changing, self.now))
        self.counts: dict[tuple[frozenset[int], frozenset[int]], tuple[int, tuple[Any, ...]]] = {}

    def effect(self, codename: str, holding: graph.Graph, otherwise: graph.Graph) -> Effect:
        """Return who has `codename` with the roles in `holding` and lacks it with those in `otherwise`."""
        covering = otherwise.holding(codename)
        key = holding.holding(codename) - covering, covering & self.other_roles
        if key not in self.counts:
            self.counts[key] = self._count(*key)
        return Effect(codename, *self.counts[key])

    def _count(self, having: frozenset[int], covering: frozenset[int]) -> tuple[int, tuple[Any, ...]]:
        """Count holders of the roles `having` without one of `covering` in the same scope or everywhere."""
        assignments = RoleAssignment.objects.of_roles(having).live(self.now)
        users = assignments.without_cover_of(covering, self.now).people()
        return users.count(), tuple(users.order_by("pk")[:EXAMPLES])


# -- Differences
FIELDS = ("name", "requires_2fa", "forbids_sms_code", "is_deleted")


@dataclass(frozen=True)
class Comparison:
    """The permissions that both roles have, and those of one alone, including inherited ones."""

    both: tuple[str, ...]
    left: tuple[str, ...]
    right: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """A revision, and what it changed. included, excluded: names of roles. fields: other fields that changed."""

    revision: RoleRevision
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    fields: tuple[tuple[Any, Any, Any], ...] = ()


def compare(left: int, right: int) -> Comparison:
    """Return what the two roles have in common, and what only one of them has."""
    roles = graph.latest().roles
    own, other = roles[left].codenames, roles[right].codenames
    return Comparison(*(tuple(sorted(part)) for part in (own & other, own - other, other - own)))


def changes(revisions: Sequence[RoleRevision]) -> list[Change]:
    """Return what each revision changed, against the one after it in the list, which is older; the last is a start."""
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
