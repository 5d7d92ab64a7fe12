"""The form field for the examples of an SMS template: an input for each variable."""

from collections.abc import Mapping
from typing import Any

from django import forms
from unfold.widgets import INPUT_CLASSES


class ExamplesWidget(forms.Widget):
    """An input for each variable, and for each example whose variable is no longer in the content.

    known: the variables, with the values that are used if staff give no example.
    """

    template_name = "admin/widgets/examples.html"
    use_fieldset = True
    known: Mapping[str, str] = {}

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        given = value if isinstance(value, dict) else {}
        variables = dict.fromkeys([*self.known, *given])
        rows = [self._row(name, one, str(given.get(one, "")), self.known.get(one, "")) for one in variables]
        blank = self._row(name, "", "", "")
        return {
            **super().get_context(name, value, attrs),
            "rows": rows,
            "blank": blank,
            "classes": " ".join(INPUT_CLASSES),
        }

    @staticmethod
    def _row(name: str, variable: str, value: str, placeholder: str) -> dict[str, str]:
        return {"variable": variable, "name": f"{name}_{variable}", "value": value, "placeholder": placeholder}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> dict[str, str]:
        prefix = f"{name}_"
        return {key.removeprefix(prefix): data[key] for key in data if key.startswith(prefix) and data[key].strip()}

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False  # every input may be empty


class ExamplesField(forms.Field):
    """Examples by variable, without empty inputs. The service validates them."""

    widget = ExamplesWidget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{name: kwargs[name] for name in ("label", "help_text") if name in kwargs}, required=False)
