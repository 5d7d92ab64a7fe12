"""Forms to add and edit a passkey."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.pages.forms.sign_in import PasskeyForm


class PasskeyOptionsForm(forms.Form):
    """The name and use of a passkey."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("A name you'll recognise, such as “Work laptop”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    passwordless = forms.BooleanField(
        label=_("Use this passkey instead of my password"),
        help_text=_("Otherwise it's used after your password."),
        required=False,
    )


class AddPasskeyForm(PasskeyForm, PasskeyOptionsForm):
    """The credential of a new passkey, with its name and use."""
