"""The languages of a template, each beside its source: a form field for an SMS, a table for an e-mail."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from notifications.models import EmailOverride

SOURCE = settings.LANGUAGE_CODE


def direction_of(language: str) -> str:
    """Return the text direction of a language."""
    return "rtl" if translation.get_language_info(language)["bidi"] else "ltr"


class TranslationsWidget(forms.MultiWidget):
    """A text area for each language beside the source, which says whether the language is translated.

    source: the content of the template.
    """

    template_name = "admin/widgets/translations.html"
    source = ""

    def __init__(self) -> None:
        super().__init__({code: forms.Textarea(attrs={"rows": 4, "cols": 80}) for code, _name in settings.LANGUAGES})

    def decompress(self, value: Any) -> list[str]:
        translations = value if isinstance(value, dict) else {}
        return [translations.get(code, "") for code, _name in settings.LANGUAGES]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        for (code, language), one in zip(settings.LANGUAGES, context["widget"]["subwidgets"], strict=True):
            text = one["value"] or ""
            one["attrs"] |= {"lang": code, "dir": "auto"}
            one |= {"code": code, "language": language, "is_translated": bool(text.strip())}
            one["is_left_out"] = code == SOURCE and not text  # its content is the field above
        source = {"text": self.source, "code": SOURCE, "language": dict(settings.LANGUAGES).get(SOURCE, SOURCE)}
        return {**context, "source": source}


class TranslationsField(forms.MultiValueField):
    """The content of an SMS template by language, without empty ones."""

    widget: Any

    def __init__(self, **kwargs: Any) -> None:
        kwargs = {name: kwargs[name] for name in ("label", "help_text") if name in kwargs}
        fields = [forms.CharField(required=False, strip=False) for _language in settings.LANGUAGES]
        super().__init__(fields, widget=TranslationsWidget(), required=False, require_all_fields=False, **kwargs)

    def compress(self, data_list: list[str]) -> dict[str, str]:
        return {code: text for (code, _name), text in zip(settings.LANGUAGES, data_list, strict=False) if text.strip()}


@dataclass(frozen=True)
class EmailLanguage:
    """The content of an e-mail in one language. link: to its override, or to the form for a new one."""

    template: str
    code: str
    name: Any
    state: Any
    link: str
    override: EmailOverride | None = None


def of_email(template: str) -> list[EmailLanguage]:
    """Return for each language whether the e-mail has an override, and what is sent otherwise."""
    overrides = {one.language: one for one in EmailOverride.objects.filter(template=template)}
    common = overrides.get("")
    inherited = _("Inherits the override for all languages") if common and common.is_active else _("Product’s own text")
    return [_language(template, code, name, overrides.get(code), inherited) for code, name in choices()]


def choices() -> list[tuple[str, Any]]:
    """Return code and name of each language, and last the choice for all that have no override."""
    return [*settings.LANGUAGES, ("", _("All other languages"))]


def _language(template: str, code: str, name: Any, override: EmailOverride | None, inherited: Any) -> EmailLanguage:
    if override is None:
        link = reverse("admin:notifications_emailoverride_add", query={"template": template, "language": code})
        return EmailLanguage(template, code, name, inherited if code else _("Not written"), link)
    link = reverse("admin:notifications_emailoverride_change", args=[override.pk])
    state = _("Own text, version %(version)s") if override.is_active else _("Own text, switched off")
    return EmailLanguage(template, code, name, state % {"version": override.version}, link, override)
