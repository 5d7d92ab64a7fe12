"""Many rows by sets: a few statements for each batch, and a transaction that holds none of them for long."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

BATCH = 500
MOST = 50_000  # in one go: a request has to end; who has more asks again

Key = TypeVar("Key")
Heard = Callable[[Sequence[Any]], None]  # is told, in the transaction of each batch, which rows were changed


def nobody(rows: Sequence[Any]) -> None:
    """Who needs not be told."""


def each(keys: Sequence[Key], step: Callable[[Sequence[Key]], int]) -> int:
    """Call `step` with BATCH keys at a time; returns the sum of what it returns."""
    return sum(step(keys[start : start + BATCH]) for start in range(0, len(keys), BATCH))
