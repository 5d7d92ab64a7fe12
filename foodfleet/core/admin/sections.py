"""Tables above the form of a row, such as the newest sessions of a user, each with a link to the whole list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from foodfleet.core.admin import times

MAX_ROWS = 8  # of a section, which has a link to all


@dataclass(frozen=True)
class Section:
    """A table on the page of a row. anchor: its id in the page, for links. link: the URL of the whole list."""

    anchor: str
    title: Any
    columns: Sequence[Any]
    rows: Sequence[Sequence[Any]]
    link: str = ""

    @property
    def cells(self) -> list[list[tuple[Any, Any]]]:
        """Return the rows, each value with its column: times as how long ago they are, and a dash for None."""
        return [[(column, _cell(value)) for column, value in zip(self.columns, row, strict=True)] for row in self.rows]


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return times.relative(value)
    return "–" if value is None else value
