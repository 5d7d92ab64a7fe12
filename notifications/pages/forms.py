"""Forms of the pages."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _

from notifications.states import Kind


def _help(kind: Kind) -> str:
    """Return the help text of a kind of message."""
    if kind is Kind.ACCOUNT:
        return _("What happens with your orders and your work here.")
    if kind is Kind.MARKETING:
        return _("Now and then, what is new at %(site_name)s.") % {"site_name": settings.SITE_NAME}
    return ""


class PreferencesForm(forms.Form):
    """A checkbox for each optional kind of message. current: the saved preferences."""

    def __init__(self, *args: Any, current: dict[Kind, bool], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, wanted in current.items():
            self.fields[kind.value] = forms.BooleanField(
                label=kind.label, help_text=_help(kind), required=False, initial=wanted
            )

    @property
    def changes(self) -> dict[Kind, bool]:
        """Return the chosen preferences."""
        return {Kind(name): wanted for name, wanted in self.cleaned_data.items()}
