"""What a change of a role would mean for its holders, before it is made."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from rbac.models import Role, RoleAssignment
from rbac.querysets import LABEL_SEPARATOR
from rbac.services import graph

EXAMPLES = 5


@dataclass(frozen=True)
class Effect:
    """One label that users gain or lose: how many, and some of them."""

    permission: str
    users: int
    examples: tuple[Any, ...]


@dataclass(frozen=True)
class Preview:
    """What changes for whom; superusers and inactive users are not counted, nothing changes for them."""

    gained: tuple[Effect, ...]
    lost: tuple[Effect, ...]


def preview(*, role: Role, permissions: Iterable[str]) -> Preview:
    """What it would mean if `role` had exactly these permissions as its own.

    Costs one query, and two for each set of roles that holders have beside this one and that give the same labels,
    however many labels and holders there are.
    Raises ValidationException for a label that there is not.
    """
    before = graph.load()
    wanted = {graph.canonical(label) for label in permissions}
    graph.ensure_known(wanted, before.labels)
    own = before.roles[role.pk].own
    wanted |= {name for name in own if LABEL_SEPARATOR not in name}  # given in the admin; an edit leaves them
    after = before.with_own(role.pk, frozenset(wanted))
    affected = _Affected(frozenset(facts.id for facts in before.roles.values() if role.pk in facts.reach))
    return Preview(
        gained=tuple(affected.effect(label, after, before) for label in sorted(wanted - own)),
        lost=tuple(affected.effect(label, before, after) for label in sorted(own - wanted)),
    )


class _Affected:
    """Who is affected by a change of some roles, asked once for labels that the very same roles have.

    changing: the role and those that include it.
    """

    def __init__(self, changing: frozenset[int]) -> None:
        self.now = timezone.now()
        self.other_roles = changing.union(RoleAssignment.objects.held_beside(changing, self.now))
        self.known: dict[tuple[frozenset[int], frozenset[int]], tuple[int, tuple[Any, ...]]] = {}

    def effect(self, label: str, holding: graph.Graph, otherwise: graph.Graph) -> Effect:
        """Who has `label` if the roles are `holding`, and lacks it if they are `otherwise`."""
        covering = otherwise.holding(label)
        asked = holding.holding(label) - covering, covering & self.other_roles
        if asked not in self.known:
            self.known[asked] = self._count(*asked)
        return Effect(label, *self.known[asked])

    def _count(self, having: frozenset[int], covering: frozenset[int]) -> tuple[int, tuple[Any, ...]]:
        """Holders of the roles `having` who do not hold one of `covering` in the same scope or everywhere."""
        assignments = RoleAssignment.objects.of_roles(having).live(self.now)
        users = assignments.without_cover_of(covering, self.now).people()
        return users.count(), tuple(users.order_by("pk")[:EXAMPLES])
