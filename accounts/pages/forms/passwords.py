"""Choosing a password."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.pages.forms.fields import new_password_field, present_password_field


class ResetForm(forms.Form):
    """A password, by the link of a mail."""

    password = new_password_field(label=_("New password"))


class ChangePasswordForm(forms.Form):
    """A password, by somebody who knows the present one."""

    current_password = present_password_field(label=_("Current password"))
    new_password = new_password_field(label=_("New password"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "auto_id": "password_%s"})
