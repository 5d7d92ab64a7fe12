"""The form with which staff start viewing as another user."""

from django import forms
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin.confirm import LONGEST_REASON


class ReasonForm(forms.Form):
    """The reason, which is recorded."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        help_text=_("Such as the number of the ticket in which they ask for help."),
    )
