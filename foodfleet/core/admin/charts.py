"""Bar charts, drawn by the server as SVG with the same numbers as a table: no script and no style in the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT, GAP = 720, 120, 2


@dataclass(frozen=True)
class Series:
    """Values of one kind. tone: the CSS class of their colour, `good` or `bad`."""

    name: Any
    values: Sequence[int]
    tone: str


@dataclass(frozen=True)
class Chart:
    """A stacked bar chart. labels: of the bars; the first, the middle and the last are shown below the chart."""

    title: Any
    labels: Sequence[str]
    series: Sequence[Series]

    @property
    def peak(self) -> int:
        """The height of the highest bar, at least 1."""
        return max(1, *(sum(values) for values in self._columns()))

    @property
    def bars(self) -> list[dict[str, Any]]:
        """Rectangles with `x`, `y`, `width`, `height`, `tone` and a `title` as tooltip."""
        step = WIDTH / len(self.labels)
        found = []
        for number, values in enumerate(self._columns()):
            top = float(HEIGHT)
            for one, value in zip(self.series, values, strict=True):
                height = round(HEIGHT * value / self.peak, 1)
                top -= height
                found.append(
                    {
                        "x": f"{number * step:.1f}",
                        "y": f"{top:.1f}",
                        "width": f"{step - GAP:.1f}",
                        "height": f"{height:.1f}",
                        "tone": one.tone,
                        "title": f"{self.labels[number]} · {one.name}: {value}",
                    }
                )
        return found

    @property
    def rows(self) -> list[tuple[str, tuple[int, ...]]]:
        """The rows of the table."""
        return list(zip(self.labels, self._columns(), strict=True))

    @property
    def totals(self) -> list[tuple[Any, int, str]]:
        """Name, sum and tone of each series."""
        return [(one.name, sum(one.values), one.tone) for one in self.series]

    @property
    def scale(self) -> tuple[str, str, str]:
        """The labels below the chart."""
        return self.labels[0], self.labels[len(self.labels) // 2], self.labels[-1]

    def _columns(self) -> list[tuple[int, ...]]:
        return list(zip(*(one.values for one in self.series), strict=True))
