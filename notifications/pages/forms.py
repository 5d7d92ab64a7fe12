"""Shapes of what the pages take in."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from notifications.states import Kind

HELP = {
    Kind.ACCOUNT: _("What happens with your orders and your work here."),
    Kind.MARKETING: _("Now and then, what is new at FoodFleet."),
}


class PreferencesForm(forms.Form):
    """A switch for each kind of message that can be switched off. present: what holds now."""

    def __init__(self, *args: Any, present: dict[Kind, bool], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, wanted in present.items():
            self.fields[kind.value] = forms.BooleanField(
                label=kind.label, help_text=HELP.get(kind, ""), required=False, initial=wanted
            )

    @property
    def changes(self) -> dict[Kind, bool]:
        """What was chosen."""
        return {Kind(name): wanted for name, wanted in self.cleaned_data.items()}
