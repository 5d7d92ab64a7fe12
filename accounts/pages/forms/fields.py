"""Fields that several forms share, with hints for password managers and phone keyboards."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import get_default_password_validators
from django.utils.functional import lazy
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from foodfleet.core.email_addresses import LONGEST_ADDRESS, validate_mailable
from foodfleet.core.names import LONGEST_NAME, validate_name
from foodfleet.core.phone_numbers import LONGEST_SPELLING, normalize_phone

MAX_PASSWORD = 4096  # limits only the input; PASSWORD_POLICY has the rule
MAX_CODE = 64
PLAIN = {"autocapitalize": "none", "spellcheck": "false"}


def email_field(*, autocomplete: str = "email", **options: Any) -> forms.EmailField:
    """Return a field for an e-mail address."""
    widget = forms.EmailInput(attrs={"autocomplete": autocomplete, "inputmode": "email", **PLAIN})
    field = {"label": _("E-mail address"), "max_length": LONGEST_ADDRESS, "validators": [validate_mailable]}
    return forms.EmailField(**{**field, "widget": widget, **options})


def name_field(*, autocomplete: str, **options: Any) -> forms.CharField:
    """Return a field for a first or last name."""
    widget = forms.TextInput(attrs={"autocomplete": autocomplete})
    field = {"max_length": LONGEST_NAME, "required": False, "widget": widget}
    return forms.CharField(validators=[validate_name], **{**field, **options})


def current_password_field(**options: Any) -> forms.CharField:
    """Return a field for the current password."""
    return _password_field("current-password", **{"label": _("Password"), **options})


def new_password_field(**options: Any) -> forms.CharField:
    """Return a field for a new password. Its help text lists the rules of PASSWORD_POLICY."""
    return _password_field("new-password", help_text=_rules_lazy(), **options)


def _rules() -> SafeString:
    """Return the rules as an HTML list. site.js marks those with `data-rule` as fulfilled while the user types."""
    rules: list[tuple[str, str]] = []
    for validator in get_default_password_validators():
        live = getattr(validator, "live_rule", "")
        attributes = (
            format_html(' data-rule="{}" data-minimum="{}"', live, getattr(validator, "minimum", "")) if live else ""
        )
        rules.append((attributes, validator.get_help_text()))
    return format_html("<ul>{}</ul>", format_html_join("", "<li{}>{}</li>", rules))


_rules_lazy = lazy(_rules, str)


def _password_field(autocomplete: str, **options: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete, **PLAIN})
    return forms.CharField(strip=False, max_length=MAX_PASSWORD, widget=widget, **options)


def code_field(**options: Any) -> forms.CharField:
    """Return a field for a numeric code of an authenticator app or an SMS."""
    widget = forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", **PLAIN})
    return forms.CharField(**{"label": _("Code"), "max_length": MAX_CODE, "widget": widget, **options})


def any_code_field(**options: Any) -> forms.CharField:
    """Return a field for a code of the authenticator app or a backup code, which has letters too."""
    widget = forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", **PLAIN})
    return forms.CharField(**{"label": _("Code"), "max_length": MAX_CODE, "widget": widget, **options})


def phone_field(**options: Any) -> forms.CharField:
    """Return a field for a phone number in any spacing."""
    widget = forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel", "dir": "ltr"})
    return PhoneField(**{"label": _("Phone number"), "max_length": LONGEST_SPELLING, "widget": widget, **options})


class PhoneField(forms.CharField):
    """A phone number; its value is in E.164."""

    def to_python(self, value: Any) -> str:
        return normalize_phone(super().to_python(value) or "")
