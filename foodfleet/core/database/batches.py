"""Change many rows in batches, so that no transaction locks many rows for long."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, TypeVar

from django.db.models import QuerySet

BATCH = 500
MOST = 50_000  # rows changed by one request

Key = TypeVar("Key")
Callback = Callable[[Sequence[Any]], None]  # called with the changed rows, in the transaction of their batch


def ignore(rows: Sequence[Any]) -> None:
    """Do nothing with the changed rows."""


def for_each(keys: Sequence[Key], step: Callable[[Sequence[Key]], int]) -> int:
    """Call `step` with BATCH keys at a time and return the sum of its results."""
    return sum(step(keys[start : start + BATCH]) for start in range(0, len(keys), BATCH))


def repeat(step: Callable[[], int], *, most: int | None = None) -> int:
    """Call `step` until it changes fewer than BATCH rows, at most `most` times. Returns the sum of its results."""
    total = 0
    for _round in count() if most is None else range(most):
        changed = step()
        total += changed
        if changed < BATCH:
            break
    return total


def delete(rows: QuerySet[Any], *, most: int | None = None) -> int:
    """Delete `rows` in at most `most` batches. Returns how many, not counting rows deleted by cascade."""

    def step() -> int:
        keys = list(rows.values_list("pk", flat=True)[:BATCH])
        rows.model._default_manager.filter(pk__in=keys).delete()
        return len(keys)

    return repeat(step, most=most)
