"""Form fields for JSON values, on the pages and in the admin."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

NOTHING = ("", "—")
LONGEST_TEXT = 1000


def field_for(kind: str, label: str, choices: Sequence[Any] = ()) -> forms.Field:
    """Return an optional field for values of a JSON type, or for one of `choices`."""
    if choices:
        return forms.ChoiceField(
            label=label, required=False, choices=[NOTHING, *((str(one), str(one)) for one in choices)]
        )
    if kind == "boolean":
        return forms.ChoiceField(label=label, required=False, choices=[NOTHING, ("true", _("Yes")), ("false", _("No"))])
    if kind == "integer":
        return forms.IntegerField(label=label, required=False)
    if kind == "number":
        return forms.FloatField(label=label, required=False)
    if kind == "string":
        return forms.CharField(label=label, required=False, max_length=LONGEST_TEXT)
    return forms.JSONField(label=label, required=False)


def initial_for(value: Any) -> Any:
    """Return the initial value of a field of `field_for`."""
    return str(value).lower() if isinstance(value, bool) else value
