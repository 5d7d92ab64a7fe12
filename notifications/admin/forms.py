"""Forms of the admin. The services validate; the admin shows their errors at the fields."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin.forms import ServiceForm
from foodfleet.core.exceptions import BaseAppException
from notifications.admin.examples import ExamplesField
from notifications.admin.languages import EmailLanguage, TranslationsField
from notifications.models import EmailOverride, SmsTemplate
from notifications.services.templates import rendering, sms_templates, specs
from notifications.states import Channel

LANGUAGES = [("", _("All languages without their own content")), *settings.LANGUAGES]


def error_text(error: BaseAppException) -> str:
    """Return the message of an error with the messages for its fields."""
    return " ".join([str(error.message), *field_messages(error)])


def field_messages(error: BaseAppException) -> list[str]:
    """Return the messages for the fields of an error, without the names of the fields."""
    entries = [entry for entries in error.details.values() if isinstance(entries, list) for entry in entries]
    return [str(entry["message"]) for entry in entries]


class VersionedForm(ServiceForm):
    """A form that contains the version it was opened with.

    directions: the text direction of fields that may differ from the page's.
    """

    directions: ClassVar[Mapping[str, str]] = {}
    opened_with = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "opened_with" in self.fields:
            self.initial["opened_with"] = self.instance.version
        for name in self.directions.keys() & self.fields.keys():
            self.fields[name].widget.attrs["dir"] = self.directions[name]


class SmsTemplateForm(VersionedForm):
    """An SMS template."""

    directions = {"name": "ltr", "content": "auto", "description": "auto"}

    class Meta:
        model = SmsTemplate
        fields = ("name", "content", "translations", "description", "examples", "is_active")
        widgets = {"content": forms.Textarea(attrs={"rows": 4, "cols": 80})}
        field_classes = {"translations": TranslationsField, "examples": ExamplesField}
        help_texts = {
            "translations": _("A language that is left empty gets the content above."),
            "examples": _("What previews and test messages show for each variable."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "translations" in self.fields:
            self.fields["translations"].widget.source = self.instance.content
        if "examples" in self.fields:
            self.fields["examples"].widget.known = sms_templates.examples_of(self.instance)


class EmailOverrideForm(VersionedForm):
    """An e-mail override."""

    directions = {"subject": "auto", "html": "ltr", "text": "auto"}
    template = forms.ChoiceField(
        label=_("E-mail"), choices=lambda: [(spec.name, spec.name) for spec in specs.for_channel(Channel.EMAIL)]
    )
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES, required=False)

    class Meta:
        model = EmailOverride
        fields = ("template", "language", "subject", "html", "text", "is_active")
        widgets = {
            "html": forms.Textarea(attrs={"rows": 16, "cols": 100}),
            "text": forms.Textarea(attrs={"rows": 10, "cols": 100}),
        }


class EmailLanguageForm(VersionedForm):
    """The content of an e-mail in one language, of several on one page.

    It begins with the current content, and is saved only if that was changed. shown: a digest of it, because others may
    change what is current before the page is submitted.
    """

    directions = EmailOverrideForm.directions
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = EmailOverride
        fields = ("subject", "html", "text", "is_active")
        widgets = {
            "html": forms.Textarea(attrs={"rows": 14, "cols": 60}),
            "text": forms.Textarea(attrs={"rows": 10, "cols": 60}),
        }

    def __init__(self, *args: Any, of: EmailLanguage, may_edit: bool, **kwargs: Any) -> None:
        self.language, self.may_edit = of, may_edit
        draft = of.override or EmailOverride(template=of.template, language=of.code)
        super().__init__(*args, instance=draft, **kwargs)
        for name in ("subject", "html", "text"):
            self.fields[name].widget.attrs["lang"] = of.code
            self.fields[name].disabled = not may_edit
        self.fields["is_active"].disabled = not may_edit
        if of.override is None:
            del self.fields["is_active"], self.initial["is_active"]
            if of.code:  # otherwise one language's own content would replace that of all others
                content = rendering.current_content(of.template, of.code)
                self.initial.update(subject=content.subject, html=content.html, text=content.text)
        self.initial["shown"] = _digest(self.initial)

    @property
    def is_edited(self) -> bool:
        """Return whether the content was changed on the page."""
        posted = {name: self.data.get(self.add_prefix(name)) for name in ("shown", *self.Meta.fields)}
        return self.may_edit and posted["shown"] not in {None, _digest(posted)}

    def clean(self) -> dict[str, Any] | None:
        """Refuse the content of an override that was added or deleted after the page was opened."""
        if (self.cleaned_data.get("opened_with") is None) != (self.instance.pk is None):
            raise forms.ValidationError(
                _("Somebody else added or deleted this after you opened it. Open it again and change it there.")
            )
        return super().clean()


def _digest(content: Mapping[str, Any]) -> str:
    """Return a digest of the content of an override, whatever line ends a browser sends."""
    texts = [str(content.get(name) or "").replace("\r\n", "\n").strip() for name in ("subject", "html", "text")]
    return hashlib.sha256(json.dumps([*texts, bool(content.get("is_active"))]).encode()).hexdigest()


class PreviewForm(forms.Form):
    """Values for the preview of an SMS."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, required=False)

    def __init__(self, *args: Any, template: SmsTemplate, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, example in sms_templates.examples_of(template).items():
            self.fields[f"value_{name}"] = forms.CharField(label=name, initial=example, max_length=1000, required=False)

    @property
    def variables(self) -> dict[str, str]:
        """Return the entered values, or the examples."""
        names = [name for name in self.fields if name.startswith("value_")]
        given = self.cleaned_data if self.is_bound else {name: self.fields[name].initial for name in names}
        return {name.removeprefix("value_"): given.get(name, "") for name in names}
