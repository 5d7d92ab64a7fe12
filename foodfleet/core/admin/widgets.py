"""Unfold's look for form fields that unfold did not make, and widgets of our own."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from django import forms
from unfold.widgets import (
    CHECKBOX_CLASSES,
    INPUT_CLASSES,
    RADIO_CLASSES,
    SELECT_CLASSES,
    TEXTAREA_CLASSES,
)

CLASSES: tuple[tuple[type[forms.Widget], list[str]], ...] = (
    (forms.CheckboxSelectMultiple, []),
    (forms.RadioSelect, RADIO_CLASSES),
    (forms.CheckboxInput, CHECKBOX_CLASSES),
    (forms.Textarea, TEXTAREA_CLASSES),
    (forms.SelectMultiple, []),
    (forms.Select, SELECT_CLASSES),
    (forms.TextInput, INPUT_CLASSES),
    (forms.URLInput, INPUT_CLASSES),
)


def style(fields: Iterable[forms.Field]) -> None:
    """Set unfold's CSS classes on the widgets of these fields, unless they have classes already."""
    for field in fields:
        inner = field.widget.widgets if isinstance(field.widget, forms.MultiWidget) else [field.widget]
        for widget in inner:
            _style(widget)


def _style(widget: forms.Widget) -> None:
    has_look = len(widget.attrs.get("class", "").split()) > 2  # Django's own have one or two, such as vTextField
    found = next((classes for kind, classes in CLASSES if isinstance(widget, kind)), [])
    if found and not has_look and not widget.is_hidden:
        widget.attrs["class"] = " ".join([widget.attrs.get("class", ""), *found]).strip()


class SuggestedInput(forms.TextInput):
    """A text field that suggests values, each with its name, and accepts any other value too."""

    template_name = "admin/widgets/suggested.html"
    suggestions: Iterable[tuple[str, str]] = ()

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["attrs"]["list"] = f"{name}-suggestions"
        return {**context, "suggestions": self.suggestions}


COLUMNS = ("read", "create", "update", "delete")  # actions that most resources have


def _in_columns(
    resource: str, options: list[dict[str, Any]]
) -> tuple[list[dict[str, Any] | None], list[dict[str, Any]]]:
    """Return the options of COLUMNS, None for those that a resource lacks, and the others."""
    if not resource:
        return [], options
    by_action = {option["label"]: option for option in options}
    return [by_action.get(action) for action in COLUMNS], [one for one in options if one["label"] not in COLUMNS]


class CheckboxTable(forms.CheckboxSelectMultiple):
    """A matrix of checkboxes for permissions such as `users:read - See users`; other options are in one row.

    Each resource has a row, and each action of COLUMNS a column. Further actions follow in the row.
    """

    template_name = "admin/widgets/checkbox_table.html"
    notes: Mapping[str, Any] = {}  # a note to show beside an option, by the option's label up to " - "

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        options = [
            self._described(option) for _group, group, _index in context["widget"]["optgroups"] for option in group
        ]
        context["widget"]["rows"] = [
            (resource, *_in_columns(resource, list(row)))
            for resource, row in groupby(options, key=lambda option: option["resource"])
        ]
        return context

    def _described(self, option: dict[str, Any]) -> dict[str, Any]:
        codename, _separator, sentence = str(option["label"]).partition(" - ")
        resource, _separator, action = codename.rpartition(":")
        return {
            **option, "resource": resource, "label": action, "help": sentence, "note": self.notes.get(codename, ""),
            "classes": " ".join(CHECKBOX_CLASSES)
        }  # fmt: skip
