"""What a change of a role would mean for its holders, before it is made."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from rbac.models import Role, RoleAssignment
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
    """What it would mean if `role` had exactly these permissions as its own."""
    before = graph.load()
    wanted = {graph.canonical(label) for label in permissions}
    after = before.with_own(role.pk, frozenset(wanted))
    own = before.roles[role.pk].own
    return Preview(
        gained=tuple(_effect(label, after.holding(label), before.holding(label)) for label in sorted(wanted - own)),
        lost=tuple(_effect(label, before.holding(label), after.holding(label)) for label in sorted(own - wanted)),
    )


def _effect(label: str, having: frozenset[int], otherwise: frozenset[int]) -> Effect:
    """Holders of the roles `having` who do not hold one of the roles `otherwise` in the same scope or everywhere."""
    now = timezone.now()
    affected = RoleAssignment.objects.of_roles(having - otherwise).live(now).without_cover_of(otherwise, now)
    users = affected.people()
    return Effect(label, users.count(), tuple(users.order_by("pk")[:EXAMPLES]))
