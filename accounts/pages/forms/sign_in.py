"""Forms for sign-in and re-authentication."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.pages.forms.fields import any_code_field, code_field, current_password_field, email_field
from accounts.states import Method

MAX_CREDENTIAL = 20_000  # a credential as JSON


class LoginForm(forms.Form):
    """E-mail address and password."""

    email = email_field(autocomplete="username webauthn", validators=[])
    password = current_password_field()


class PasskeyForm(forms.Form):
    """The browser's passkey credential, which site.js fills in."""

    challenge = forms.CharField(max_length=200, widget=forms.HiddenInput)
    credential = forms.CharField(max_length=MAX_CREDENTIAL, widget=forms.HiddenInput)


class MfaForm(forms.Form):
    """Two-factor authentication at sign-in, by one method."""

    code = code_field()
    remember_browser = forms.BooleanField(
        label=_("Remember this browser for 30 days"),
        help_text=_("Only on a device that is yours alone."),
        required=False,
    )

    def __init__(self, *args: Any, method: Method, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if method == Method.BACKUP_CODE:
            self.fields["code"] = any_code_field(label=_("Backup code"))
            self.fields["code"].widget.attrs["autocomplete"] = "off"
        elif method == Method.PASSKEY:
            del self.fields["code"]
            self.fields["credential"] = forms.CharField(max_length=MAX_CREDENTIAL, widget=forms.HiddenInput)
        if "code" in self.fields:
            self.fields["code"].widget.attrs["autofocus"] = True
        self.order_fields(["code", "credential", "remember_browser"])

    @property
    def response(self) -> str:
        """The code or credential that was sent."""
        return str(self.cleaned_data.get("credential") or self.cleaned_data.get("code"))


class ReauthenticationForm(forms.Form):
    """The password, and a code if MFA is on."""

    password = current_password_field()
    code = any_code_field(help_text=_("From your authenticator app, or a backup code."))

    def __init__(self, *args: Any, with_code: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not with_code:
            del self.fields["code"]
