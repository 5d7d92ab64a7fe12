"""Read a long table along an index, from the row where the last read ended."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet

BATCH_SIZE = 1000


def beyond(names: Sequence[str], values: Sequence[Any], ascending: bool) -> Q:
    """Return the condition for rows after `values`.

    It has the form `a >= x and (a > x or pk > y)`, which databases turn into one index range.
    """
    operator = "gt" if ascending else "lt"
    if len(names) == 1:
        return Q(**{f"{names[0]}__{operator}": values[0]})
    first, last = names
    return Q(**{f"{first}__{operator}e": values[0]}) & (
        Q(**{f"{first}__{operator}": values[0]}) | Q(**{f"{last}__{operator}": values[1]})
    )


def newest_first(queryset: QuerySet[Any], field: str) -> Iterator[Any]:
    """Yield the rows in descending order of `field` and primary key, a batch at a time along their index.

    Each batch is a separate query: a client that reads slowly keeps neither a cursor nor a transaction open.
    """
    ordered = queryset.order_by(f"-{field}", "-pk")
    batch = list(ordered[:BATCH_SIZE])
    while batch:
        yield from batch
        last = (getattr(batch[-1], field), batch[-1].pk)
        batch = list(ordered.filter(beyond((field, "pk"), last, ascending=False))[:BATCH_SIZE])
