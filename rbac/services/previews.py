"""Preview what a change of a role would mean for its holders."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from rbac.models import CODENAME_SEPARATOR, Role, RoleAssignment
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
