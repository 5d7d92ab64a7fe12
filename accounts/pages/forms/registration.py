"""Forms of registration."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.pages.forms.fields import email_field, name_field, new_password_field
from accounts.services.account import registration


class RegisterForm(forms.Form):
    """A registration."""

    first_name = name_field(label=_("First name"), autocomplete="given-name")
    last_name = name_field(label=_("Last name"), autocomplete="family-name")
    email = email_field(autocomplete="username")
    password = new_password_field(label=_("Password"))

    def clean(self) -> dict[str, Any]:
        """Also validate the password if other fields are invalid, so that all errors are shown at once."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors and "password" in given:
            for problem in registration.password_problems(**given):
                self.add_error("password", ValidationError(problem["message"], code=problem["code"]))
        return given


class EmailForm(forms.Form):
    """The address that an e-mail is requested for."""

    email = email_field()
