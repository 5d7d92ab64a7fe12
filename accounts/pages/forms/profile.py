"""Forms of the profile."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.pages.forms.fields import code_field, email_field, phone_field
from accounts.services.account import attribute_schema
from accounts.services.account.attributes import PREFIX
from accounts.states import Audience
from foodfleet.core.http.bodies import json_fields


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the type stubs
    """Names and language, and the custom attributes that owners change."""

    language = forms.ChoiceField(label=_("Language"))

    class Meta:
        model = User
        fields = ["first_name", "last_name", "language"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "auto_id": "profile_%s"})
        self.fields["first_name"].label, self.fields["last_name"].label = _("First name"), _("Last name")
        self.fields["first_name"].widget.attrs["autocomplete"] = "given-name"
        self.fields["last_name"].widget.attrs["autocomplete"] = "family-name"
        own_names = [(code, get_language_info(code)["name_local"].capitalize()) for code, _name in settings.LANGUAGES]
        language = self.fields["language"]
        assert isinstance(language, forms.ChoiceField)
        language.choices = own_names
        self.attributes = attribute_schema.current().editable_by(Audience.OWNER)
        for one in self.attributes:
            name = f"{PREFIX}{one.name}"
            self.fields[name] = json_fields.field_for(one.kind, one.title, one.choices)
            self.initial[name] = json_fields.initial_for(self.instance.attributes.get(one.name))

    def changes(self) -> dict[str, Any]:
        """Return the arguments for `profile.change`."""
        found = {name: self.cleaned_data[name] for name in self._meta.fields or ()}
        if self.attributes:
            found["attributes"] = {
                one.name: one.from_form(self.cleaned_data[f"{PREFIX}{one.name}"]) for one in self.attributes
            }
        return found

    @property
    def attribute_fields(self) -> list[forms.BoundField]:
        """The fields of the custom attributes."""
        return [self[f"{PREFIX}{one.name}"] for one in self.attributes]


class ChangeEmailForm(forms.Form):
    """A new e-mail address."""

    email = email_field(label=_("New address"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "auto_id": "email_%s"})


class PhoneForm(forms.Form):
    """A new phone number."""

    phone = phone_field(label=_("New number"), help_text=_("With the country code, such as +4915123456789."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "auto_id": "phone_%s"})


class CodeForm(forms.Form):
    """A 6-digit code."""

    code = code_field()
