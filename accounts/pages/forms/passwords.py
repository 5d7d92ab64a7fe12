"""Forms for a new password."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.pages.forms.fields import current_password_field, new_password_field


class ResetForm(forms.Form):
    """A new password, after a link in an e-mail was opened."""

    password = new_password_field(label=_("New password"))


class ChangePasswordForm(forms.Form):
    """A new password and the current one."""

    current_password = current_password_field(label=_("Current password"))
    new_password = new_password_field(label=_("New password"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "auto_id": "password_%s"})
