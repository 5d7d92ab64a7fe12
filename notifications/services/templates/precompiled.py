"""The product's mails rendered once with a gap for each value, and filled in from then on.

Rendering and bringing the style inline take milliseconds, filling in takes microseconds. There is a mould for each
mail, language and set of values that are there, so that conditions come out as they would; what is no text (a number,
that decides over a plural) is part of the set. Each is cast twice with different marks and used only where both agree:
a template that changes a value (by a filter, say) is rendered each time. A template may ask whether a text is there,
not which it is. Moulds hold no text of any message.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.html import conditional_escape

GAP = re.compile(r"[qw]gap([0-9]{3})[zy]pag")
MARKS = ("qgap{:03}zpag", "wgap{:03}ypag")
KEPT = 500


@dataclass(frozen=True)
class Parts:
    """Subject, text and HTML as the templates say them."""

    subject: str
    text: str
    html: str


Render = Callable[[Mapping[str, Any]], Parts]


class _Mould:
    """The parts split at their gaps: words, number of a value, words ..."""

    def __init__(self, parts: Parts) -> None:
        self.subject, self.text, self.html = (GAP.split(part) for part in (parts.subject, parts.text, parts.html))

    def filled(self, values: list[str]) -> Parts:
        """With these values in the gaps; in HTML they are escaped as the template engine does it."""
        escaped = [str(conditional_escape(value)) for value in values]
        return Parts(_joined(self.subject, values), _joined(self.text, values), _joined(self.html, escaped))


_moulds: "OrderedDict[tuple[Any, ...], _Mould | None]" = OrderedDict()


def cast(about: tuple[str, ...], variables: Mapping[str, Any], render: Render) -> Parts:
    """What `render` makes of `variables`. about: what else its answer hangs on (mail, language, ...)."""
    gaps = sorted(name for name, value in variables.items() if isinstance(value, str) and value)
    fixed = {name: value for name, value in variables.items() if name not in gaps}
    if not all(value == "" or isinstance(value, int | None) for value in fixed.values()):
        return render(variables)
    key = (about, tuple(gaps), repr(sorted(fixed.items())))
    if key not in _moulds:
        _moulds[key] = _made(gaps, fixed, render)
        if len(_moulds) > KEPT:
            _moulds.popitem(last=False)
    mould = _moulds.get(key)
    return mould.filled([variables[name] for name in gaps]) if mould else render(variables)


def _made(gaps: list[str], fixed: Mapping[str, Any], render: Render) -> _Mould | None:
    """The mould, or None for what cannot be cast."""
    one, other = (
        _Mould(render({**fixed, **{name: mark.format(number) for number, name in enumerate(gaps)}})) for mark in MARKS
    )
    return one if vars(one) == vars(other) else None


def _joined(pieces: list[str], values: list[str]) -> str:
    return "".join(values[int(piece)] if position % 2 else piece for position, piece in enumerate(pieces))
