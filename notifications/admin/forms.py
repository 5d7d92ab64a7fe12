"""Forms of the admin: the rules are the services', their refusals stand beside the fields."""

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import BaseAppException
from notifications.models import EmailOverride, SmsTemplate
from notifications.services.templates import overrides, sms_templates, specs
from notifications.states import Channel

LANGUAGES = [("", _("Every language without its own wording")), *settings.LANGUAGES]


def field_errors(error: BaseAppException) -> list[tuple[str, str]]:
    """What an error says of each field."""
    by_field = {name: entries for name, entries in error.details.items() if isinstance(entries, list)}
    return [(name, str(entry["message"])) for name, entries in by_field.items() for entry in entries]


def reasons(error: BaseAppException) -> list[str]:
    """What an error says of its fields, without their names."""
    return [message for _name, message in field_errors(error)]


def refuse_as(form: "forms.ModelForm[Any]", check: Callable[[Any], None]) -> None:
    """Run a service's check on the form's instance and put what it refuses beside the fields."""
    try:
        check(form.instance)
    except BaseAppException as error:
        for name, message in field_errors(error) or [("", str(error.message))]:
            form.add_error(name if name in form.fields else None, message)


class TextsField(forms.JSONField):
    """Names with texts, as JSON; what is nested too deeply, or holds half a character or an endless number, is none."""

    def to_python(self, value: Any) -> Any:
        try:
            found = super().to_python(value)
            json.dumps(found, ensure_ascii=False).encode()
        except (RecursionError, ValueError):  # of numbers, json says ValueError; half a character is one too
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": value}) from None
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            self.to_python(data)
        except ValidationError:
            return InvalidJSONInput(data)
        return super().bound_data(data, initial)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return super().has_changed(initial, data)
        except RecursionError:
            return True


class OpenedForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form that remembers which version it was opened with.

    directions: of what is written, which may be another than that of the page around it.
    """

    directions: ClassVar[Mapping[str, str]] = {}
    opened_with = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "opened_with" in self.fields:
            self.initial["opened_with"] = self.instance.version
        for name in self.directions.keys() & self.fields.keys():
            self.fields[name].widget.attrs["dir"] = self.directions[name]


class SmsTemplateForm(OpenedForm):
    """A template of texts."""

    directions = {"name": "ltr", "content": "auto", "translations": "ltr", "description": "auto", "examples": "ltr"}

    class Meta:
        model = SmsTemplate
        fields = ("name", "content", "translations", "description", "examples", "is_active")
        widgets = {"content": forms.Textarea(attrs={"rows": 3, "cols": 80})}
        field_classes = {"translations": TextsField, "examples": TextsField}

    def clean_translations(self) -> Any:
        """An emptied field is no translation."""
        return self.cleaned_data["translations"] or {}

    def clean_examples(self) -> Any:
        """An emptied field is no example."""
        return self.cleaned_data["examples"] or {}

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            refuse_as(self, sms_templates.check)


class EmailOverrideForm(OpenedForm):
    """Other words for a mail."""

    directions = {"subject": "auto", "html": "ltr", "text": "auto"}
    template = forms.ChoiceField(
        label=_("Mail"), choices=lambda: [(mail.name, mail.name) for mail in specs.for_channel(Channel.EMAIL)]
    )
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES, required=False)

    class Meta:
        model = EmailOverride
        fields = ("template", "language", "subject", "html", "text", "is_active")
        widgets = {
            "html": forms.Textarea(attrs={"rows": 16, "cols": 100}),
            "text": forms.Textarea(attrs={"rows": 10, "cols": 100}),
        }

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            refuse_as(self, overrides.check)


class TryTextForm(forms.Form):
    """Values to preview a text with."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, required=False)

    def __init__(self, *args: Any, template: SmsTemplate, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, example in sms_templates.examples_of(template).items():
            self.fields[f"value_{name}"] = forms.CharField(label=name, initial=example, max_length=1000, required=False)

    @property
    def variables(self) -> dict[str, str]:
        """The values as they were given, or the examples."""
        names = [name for name in self.fields if name.startswith("value_")]
        given = self.cleaned_data if self.is_bound else {name: self.fields[name].initial for name in names}
        return {name.removeprefix("value_"): given.get(name, "") for name in names}
