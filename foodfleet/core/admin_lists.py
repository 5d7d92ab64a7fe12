"""Lists of the admin over tables of any size."""

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

COUNTED = 10_000  # rows; who looks for more than that filters or searches


class AtLeast(int):
    """A count that was ended: shown as `10000+`."""

    def __str__(self) -> str:
        return f"{int(self)}+"


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than COUNTED, so that no page of a list reads a whole table; pages end there too."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        found = int(rows.order_by()[: COUNTED + 1].count())
        return AtLeast(COUNTED) if found > COUNTED else found
