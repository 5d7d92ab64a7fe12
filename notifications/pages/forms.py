"""Forms of the pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from notifications.states import Kind

HELP = {
    Kind.ACCOUNT: _("What happens with your orders and your work here."),
    Kind.MARKETING: _("Now and then, what is new at FoodFleet."),
}


class PreferencesForm(forms.Form):
    """A checkbox for each optional kind of message. current: the saved preferences."""

    def __init__(self, *args: Any, current: dict[Kind, bool], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, wanted in current.items():
            self.fields[kind.value] = forms.BooleanField(
                label=kind.label, help_text=HELP.get(kind, ""), required=False, initial=wanted
            )

    @property
    def changes(self) -> dict[Kind, bool]:
        """Return the chosen preferences."""
        return {Kind(name): wanted for name, wanted in self.cleaned_data.items()}
