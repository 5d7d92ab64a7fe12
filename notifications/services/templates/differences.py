"""Differences between two versions of a text: changed lines, and the changed words in them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

CONTEXT = 2  # unchanged lines around a change
# SequenceMatcher takes quadratic time. Longer texts and lines are shown as completely replaced.
MOST_LINES = 300
MOST_WORDS = 300
SIMILAR = 0.4  # the minimum ratio of equal words; less similar lines are shown as completely replaced
WORD = re.compile(r"\w+|\s+|[^\w\s]")

Mark = Literal["added", "removed", "same", "skipped"]


@dataclass(frozen=True)
class Part:
    """A part of a line. is_changed: the other version of the line does not contain it."""

    text: str
    is_changed: bool = False


@dataclass(frozen=True)
class Line:
    """A line of a comparison. A `skipped` line stands for unchanged ones that are left out."""

    mark: Mark
    parts: Sequence[Part]


def compare(old: str, new: str) -> list[Line]:
    """Return the lines that differ, with some unchanged ones around them; an empty list for equal texts."""
    if old == new:
        return []
    before, after = old.splitlines(), new.splitlines()
    lines: list[Line] = []
    blocks = _blocks(before, after)
    for number, (tag, one, two, three, four) in enumerate(blocks):
        if tag == "equal":
            lines += _context(before[one:two], is_first=number == 0, is_last=number == len(blocks) - 1)
        else:
            lines += _changed(before[one:two], after[three:four])
    return lines


def _blocks(before: Sequence[str], after: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    if max(len(before), len(after)) > MOST_LINES:
        return [("replace", 0, len(before), 0, len(after))]
    return SequenceMatcher(None, before, after, autojunk=False).get_opcodes()


def _context(lines: Sequence[str], *, is_first: bool, is_last: bool) -> list[Line]:
    """Return the unchanged lines next to changes, and one `skipped` line for those between them."""
    start, end = 0 if is_first else CONTEXT, 0 if is_last else CONTEXT
    if len(lines) <= start + end:
        return [_whole("same", line) for line in lines]
    return [
        *(_whole("same", line) for line in lines[:start]),
        Line("skipped", ()),
        *(_whole("same", line) for line in lines[len(lines) - end :]),
    ]


def _changed(before: Sequence[str], after: Sequence[str]) -> Iterator[Line]:
    """Yield the removed lines, then the added ones. Lines in the same place are compared word by word."""
    pairs = [_compare_words(*pair) for pair in zip(before, after, strict=False)]
    yield from (removed for removed, _added in pairs)
    yield from (_whole("removed", line) for line in before[len(pairs) :])
    yield from (added for _removed, added in pairs)
    yield from (_whole("added", line) for line in after[len(pairs) :])


def _compare_words(before: str, after: str) -> tuple[Line, Line]:
    old, new = WORD.findall(before), WORD.findall(after)
    if max(len(old), len(new)) > MOST_WORDS:
        return _whole("removed", before), _whole("added", after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < SIMILAR:
        return _whole("removed", before), _whole("added", after)
    blocks = matcher.get_opcodes()
    removed = [Part("".join(old[one:two]), tag != "equal") for tag, one, two, _three, _four in blocks if one < two]
    added = [Part("".join(new[three:four]), tag != "equal") for tag, _one, _two, three, four in blocks if three < four]
    return Line("removed", removed), Line("added", added)


def _whole(mark: Mark, text: str) -> Line:
    return Line(mark, (Part(text),))
