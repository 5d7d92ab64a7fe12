"""Differences between versions."""

import pytest

from notifications.services.templates.differences import MOST_LINES, compare

pytestmark = pytest.mark.once


def shown(old, new):
    return [(line.mark, "".join(part.text for part in line.parts)) for line in compare(old, new)]


def test_equal_texts_have_no_differences():
    assert compare("a\nb", "a\nb") == []


def test_unchanged_lines_are_shown_only_around_changes():
    old = "\n".join(f"line {number}" for number in range(20))
    new = old.replace("line 10", "line X")
    assert shown(old, new) == [
        ("skipped", ""), ("same", "line 8"), ("same", "line 9"), ("removed", "line 10"), ("added", "line X"),
        ("same", "line 11"), ("same", "line 12"), ("skipped", ""),
    ]  # fmt: skip


def test_only_the_changed_words_of_a_line_are_marked():
    removed, added = compare("Hello Ann, come in", "Hello Ben, come in")
    assert [part.text for part in removed.parts if part.is_changed] == ["Ann"]
    assert [part.text for part in added.parts if part.is_changed] == ["Ben"]
    unlike = compare("Hello Ann", "Completely other words stand here")
    assert not any(part.is_changed for line in unlike for part in line.parts)


def test_very_long_texts_are_shown_as_replaced():
    old, new = "x\n" * (MOST_LINES + 1), "y"
    assert shown(old, new).count(("removed", "x")) == MOST_LINES + 1
    assert shown(old, new)[-1] == ("added", "y")
