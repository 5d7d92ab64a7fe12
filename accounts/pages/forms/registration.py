"""Becoming a user."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.pages.forms.fields import email_field, new_password_field


class RegisterForm(forms.Form):
    """Who wants an account."""

    first_name = forms.CharField(
        label=_("First name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = forms.CharField(
        label=_("Last name"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    email = email_field(autocomplete="username")
    password = new_password_field(label=_("Password"))


class EmailForm(forms.Form):
    """An address that a mail is asked for."""

    email = email_field()
