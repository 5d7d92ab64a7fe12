"""The scopes of the demo company: regions, the fleets in them, and the kitchens of each fleet."""

from datetime import datetime
from random import Random

from foodfleet.demo.names import CITIES
from rbac.models import Scope
from rbac.services import graph

REGIONS = ("North", "Centre", "South", "West")
KITCHENS = 2  # of a fleet


def create(made: datetime) -> None:
    """Create the scopes."""
    regions = [Scope(kind="region", key=str(number), name=name) for number, name in enumerate(REGIONS, 1)]
    _save(regions, made)
    fleets = [
        Scope(kind="fleet", key=str(number), name=f"{city} fleet", parent=regions[number % len(regions)])
        for number, city in enumerate(CITIES, 1)
    ]
    _save(fleets, made)
    kitchens = [
        Scope(kind="kitchen", key=str(number * KITCHENS + one), name=f"{CITIES[number]} kitchen {one}", parent=fleet)
        for number, fleet in enumerate(fleets)
        for one in range(1, KITCHENS + 1)
    ]
    _save(kitchens, made)
    graph.invalidate()


def _save(scopes: list[Scope], made: datetime) -> None:
    for scope in scopes:
        scope.identifier, scope.created_at = f"{scope.kind}:{scope.key}", made
    Scope.objects.bulk_create(scopes)


def of(random: Random, *, is_kitchen: bool) -> str:
    """Return the scope in which somebody works."""
    if is_kitchen:
        return f"kitchen:{random.randint(1, len(CITIES) * KITCHENS)}"
    return f"fleet:{random.randint(1, len(CITIES))}"
