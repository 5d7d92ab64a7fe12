"""Becoming a user."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.pages.forms.fields import email_field, name_field, new_password_field


class RegisterForm(forms.Form):
    """Who wants an account."""

    first_name = name_field(label=_("First name"), autocomplete="given-name")
    last_name = name_field(label=_("Last name"), autocomplete="family-name")
    email = email_field(autocomplete="username")
    password = new_password_field(label=_("Password"))


class EmailForm(forms.Form):
    """An address that a mail is asked for."""

    email = email_field()
