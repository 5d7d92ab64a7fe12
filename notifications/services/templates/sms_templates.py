"""SMS templates: check, save, restore, delete, preview and render them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from foodfleet.core.http.clients import Client
from notifications.exceptions import (
    InvalidTemplateException,
    MissingVariablesException,
    SmsTemplateNotFoundException,
    TemplateInUseException,
    VersionNotFoundException,
)
from notifications.models import SMS_LENGTH, SmsTemplate, SmsTemplateVersion
from notifications.services.compose.segments import Size, measure
from notifications.services.templates import cache, placeholders, specs, versions
from notifications.services.templates.versions import NO_CLIENT
from notifications.states import Channel
from rbac.services import actors

EXAMPLE_LENGTH = 1000  # characters
MAX_EXAMPLES = 100
SURROGATE = re.compile("[\ud800-\udfff]")  # valid in JSON, but cannot be encoded
VERSIONED = ("content", "translations", "description", "examples", "is_active")


@dataclass(frozen=True)
class TemplateChanges:
    """New values of a template; None keeps a field."""

    name: str | None = None
    content: str | None = None
    translations: Mapping[str, str] | None = None
    description: str | None = None
    examples: Mapping[str, str] | None = None
    is_active: bool | None = None


@dataclass(frozen=True)
class RenderedSms:
    """The content of an SMS, and the template, version and language that it was rendered from."""

    content: str
    template: str
    version: int
    language: str


@dataclass(frozen=True)
class Preview:
    """The rendered SMS, its size, and the variables that are missing or unknown."""

    text: str
    size: Size
    missing: list[str]
    unknown: list[str]


def find(template_id: int) -> SmsTemplate:
    """Return the template with this ID. Raises SmsTemplateNotFoundException."""
    return _one_of(SmsTemplate.objects.all(), template_id)


def _one_of(templates: QuerySet[SmsTemplate], template_id: int) -> SmsTemplate:
    template = templates.filter(pk=template_id).first()
    if template is None:
        raise SmsTemplateNotFoundException
    return template


def variables_of(template: SmsTemplate) -> list[str]:
    """Return the declared names for a product template, otherwise the names of its placeholders."""
    spec = specs.find(Channel.SMS, template.name)
    if spec is not None:
        return [variable.name for variable in spec.variables]
    return placeholders_of(template)


def placeholders_of(template: SmsTemplate) -> list[str]:
    """Return the names of the placeholders in the content and its translations, each once."""
    contents = [template.content, *template.translations.values()]
    return list(dict.fromkeys(name for content in contents for name in placeholders.names(content)))


def examples_of(template: SmsTemplate) -> dict[str, str]:
    """Return an example for each variable: from staff, else from the spec, else its own name."""
    spec = specs.find(Channel.SMS, template.name)
    known: dict[str, object] = {**(spec.examples if spec else {}), **template.examples}
    return {name: str(known.get(name) or name) for name in variables_of(template)}


def render(*, name: str, variables: Mapping[str, Any], language: str = "") -> RenderedSms:
    """Render the active template of this name, in `language` or the nearest language that it has.

    Raises SmsTemplateNotFoundException, or MissingVariablesException for a missing or blank value.
    """
    found = cache.sms_template(name)
    if found is None:
        raise SmsTemplateNotFoundException(details={"template": name})
    variables = _with_site(variables)
    chosen, content = in_language(found.content, found.translations, language)
    missing = placeholders.missing(content, variables)
    if missing:
        raise MissingVariablesException.of(missing)
    return RenderedSms(placeholders.fill(content, variables), name, found.version, chosen)


def _with_site(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Add the value of `{{site_name}}`, which every template may use."""
    return {specs.SITE_NAME.name: settings.SITE_NAME, **variables}


def in_language(content: str, translations: Mapping[str, str], language: str) -> tuple[str, str]:
    """Return the nearest available language and its content: `de-at`, else `de`, else the default."""
    for candidate in fallbacks(language):
        if translations.get(candidate):
            return candidate, translations[candidate]
    return settings.LANGUAGE_CODE, content


def fallbacks(language: str) -> list[str]:
    """Return the language and its parents: `de-at` -> [`de-at`, `de`]."""
    parts = language.lower().replace("_", "-").split("-") if language else []
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]


def preview(*, template: SmsTemplate, variables: Mapping[str, Any], language: str = "") -> Preview:
    """Render the template and list missing and unknown variables instead of refusing them."""
    variables = _with_site(variables)
    _language, content = in_language(template.content, template.translations, language)
    text = placeholders.fill(content, variables)
    known = {*variables_of(template), specs.SITE_NAME.name}
    unknown = sorted(name for name in variables if name not in known)
    return Preview(text, measure(text), placeholders.missing(content, variables), unknown)


def save(
    *, template: SmsTemplate, by: User | None, opened_with: int | None = None, client: Client = NO_CLIENT
) -> SmsTemplate:
    """Check and save a new or changed template and add a version.

    opened_with: the version that the editor saw; a newer one is not overwritten (NewerVersionException).
    Raises InvalidTemplateException, TemplateInUseException, or Django's ValidationError for an invalid or taken name.
    """
    check(template)
    template.full_clean()  # Django's ValidationError: a name that is taken or malformed
    is_new = template.pk is None
    with transaction.atomic():
        actors.lock_actor(by, "sms_templates:create" if is_new else "sms_templates:update")
        if is_new:
            template.version = 1
        else:
            template.version = versions.next_number(template, opened_with)
        versions.save_row(template)
        _add_version(template, by)
        versions.record(template, "created" if is_new else "updated", by, client)
    return template


def change(
    *,
    template_id: int,
    changes: TemplateChanges,
    by: User | None,
    opened_with: int | None = None,
    client: Client = NO_CLIENT,
) -> SmsTemplate:
    """Change some fields of a template; concurrent changes of other fields are kept.

    Raises SmsTemplateNotFoundException, and as `save`.
    """
    with transaction.atomic():
        template = _one_of(SmsTemplate.objects.select_for_update(), template_id)
        for field in fields(changes):
            value = getattr(changes, field.name)
            if value is not None:
                setattr(template, field.name, value)
        return save(template=template, by=by, opened_with=opened_with, client=client)


def restore(
    *, pk: int, number: int, by: User | None, opened_with: int | None = None, client: Client = NO_CLIENT
) -> SmsTemplate:
    """Save the content of version `number` again, as the newest version.

    Raises VersionNotFoundException, and as `change`.
    """
    version = find(pk).versions.filter(number=number).first()
    if version is None:
        raise VersionNotFoundException
    changes = TemplateChanges(**version.data)
    return change(template_id=pk, changes=changes, by=by, opened_with=opened_with, client=client)


def delete(*, template: SmsTemplate, by: User | None, client: Client = NO_CLIENT) -> None:
    """Delete a template and its versions.

    Raises TemplateInUseException for a product template, and as `actors.lock_actor`.
    """
    if specs.find(Channel.SMS, template.name) is not None:
        raise TemplateInUseException
    with transaction.atomic():
        actors.lock_actor(by, "sms_templates:delete")
        versions.record(template, "deleted", by, client)
        template.delete()


def create_missing() -> int:
    """Create the missing product templates and keep the edited ones. Returns how many were created."""
    made = 0
    for spec in specs.for_channel(Channel.SMS):
        template, is_new = SmsTemplate.objects.get_or_create(
            name=spec.name, defaults={"content": spec.content, "description": str(spec.description)}
        )
        if is_new:
            _add_version(template, None)
            made += 1
    return made


def _add_version(template: SmsTemplate, by: User | None) -> None:
    data = {field: getattr(template, field) for field in VERSIONED}
    SmsTemplateVersion.objects.create(template=template, number=template.version, data=data, saved_by=by)


def check(template: SmsTemplate) -> None:
    """Validate without saving. Raises InvalidTemplateException or TemplateInUseException."""
    _check_name_is_kept(template)
    _check_shape(template)
    _check_content(template.name, template.content, "content")
    for language, content in template.translations.items():
        if language not in dict(settings.LANGUAGES):
            message = _("Choose one of these languages: %(languages)s.") % {
                "languages": ", ".join(dict(settings.LANGUAGES))
            }
            raise InvalidTemplateException.for_field("translations", message, "invalid_choice")
        _check_content(template.name, content, "translations")


def _check_name_is_kept(template: SmsTemplate) -> None:
    old = SmsTemplate.objects.filter(pk=template.pk).values_list("name", flat=True).first()
    if old and old != template.name and specs.find(Channel.SMS, old) is not None:
        raise TemplateInUseException


def _check_shape(template: SmsTemplate) -> None:
    for field in ("translations", "examples"):
        value = getattr(template, field)
        texts = [*value, *value.values()] if isinstance(value, dict) else [None]
        if not all(map(_is_plain, texts)):
            has_nul = any("\x00" in text for text in texts if isinstance(text, str))
            code = "null_characters_not_allowed" if has_nul else "invalid"
            raise InvalidTemplateException.for_field(field, _("Enter names with text values."), code)
    examples = template.examples
    if len(examples) > MAX_EXAMPLES or any(len(text) > EXAMPLE_LENGTH for text in [*examples, *examples.values()]):
        message = _("Enter at most %(count)s names, with at most %(length)s characters for each value.")
        limits = {"count": MAX_EXAMPLES, "length": EXAMPLE_LENGTH}
        raise InvalidTemplateException.for_field("examples", message % limits, "max_length")


def _is_plain(text: object) -> bool:
    """Return whether `text` is a text that every database can store."""
    return isinstance(text, str) and "\x00" not in text and not SURROGATE.search(text)


def _check_content(name: str, content: str, field: str) -> None:
    if not content.strip():
        raise InvalidTemplateException.for_field(field, _("The text is empty."), "required")
    if len(content) > SMS_LENGTH:
        raise InvalidTemplateException.for_field(field, _("This is too long for an SMS."), "max_length")
    placeholders.check(content, field=field)
    spec = specs.find(Channel.SMS, name)
    if spec is None:
        return
    used = set(placeholders.names(content))
    specs.check_names(spec=spec, used=used, field=field)
    specs.check_required(spec=spec, used=used, field=field)
