"""A new passkey."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.pages.forms.sign_in import PasskeyForm


class AddPasskeyForm(PasskeyForm):
    """What the browser says of it, and what its owner wants of it."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("So that you know it again, such as the device that it is on."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    passwordless = forms.BooleanField(
        label=_("Sign in with it alone"),
        help_text=_("Without the password. Otherwise it is the second step after it."),
        required=False,
    )
