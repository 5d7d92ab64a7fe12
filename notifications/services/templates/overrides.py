"""Other words for the product's mails: checked, versioned, found, filled in."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from notifications.exceptions import (
    EmailTemplateNotFoundException,
    InvalidTemplateException,
    MissingVariablesException,
    VersionNotFoundException,
)
from notifications.models import EmailOverride, EmailOverrideVersion
from notifications.services.templates import link_places, placeholders, sandbox, specs
from notifications.services.templates import versions as templates_versions
from notifications.states import Channel
from rbac.services import actors

NUMBER = re.compile(r"[0-9]{1,9}")
VERSIONED = ("subject", "html", "text", "is_active")


def declared(template: str) -> specs.Declared:
    """What the product says about one of its mails. Raises EmailTemplateNotFoundException."""
    found = specs.find(Channel.EMAIL, template)
    if found is None:
        raise EmailTemplateNotFoundException(details={"template": template})
    return found


def accepted(template: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `variables` that the mail knows; numbers as numbers.

    Raises EmailTemplateNotFoundException, and MissingVariablesException where a required value is missing, blank or no
    number where it has to be one.
    """
    mail = declared(template)
    values: dict[str, Any] = {}
    missing = []
    for variable in mail.variables:
        value = variables.get(variable.name)
        is_wrong = isinstance(variable.example, int) and not NUMBER.fullmatch(str(value))
        if placeholders.is_blank(value) or is_wrong:
            if variable.is_required:
                missing.append(variable.name)
        else:
            values[variable.name] = int(value) if isinstance(variable.example, int) else value  # type: ignore[arg-type]
    if missing:
        raise MissingVariablesException.of(missing, field="context")
    return values


def save(*, override: EmailOverride, by: User | None, opened_with: int | None = None) -> EmailOverride:
    """Check and save new or changed words, and keep this version of them.

    opened_with: the version that its writer saw; a newer one is not written over (NewerVersionException).
    Raises InvalidTemplateException, EmailTemplateNotFoundException, or Django's ValidationError for a second override
    of the same mail and language.
    """
    check(override)
    override.full_clean()
    with transaction.atomic():
        actors.lock_actor(by, "email_templates:create" if override.pk is None else "email_templates:update")
        if override.pk is not None:
            override.version = templates_versions.next_number(override, opened_with)
        templates_versions.write(override)
        data = {field: getattr(override, field) for field in VERSIONED}
        EmailOverrideVersion.objects.create(override=override, number=override.version, data=data, saved_by=by)
    return override


def delete(*, override: EmailOverride, by: User | None) -> None:
    """Give the mail its own words back. Raises as `actors.lock_actor`."""
    with transaction.atomic():
        actors.lock_actor(by, "email_templates:delete")
        override.delete()


def restore(*, override: EmailOverride, number: int, by: User | None) -> EmailOverride:
    """Make version `number` the newest one.

    Raises VersionNotFoundException where there is none, and as `save` does.
    """
    version = override.versions.filter(number=number).first()
    if version is None:
        raise VersionNotFoundException
    for field in VERSIONED:
        setattr(override, field, version.data[field])
    return save(override=override, by=by)


def check(override: EmailOverride) -> None:
    """Raises InvalidTemplateException or EmailTemplateNotFoundException; saves nothing."""
    mail = declared(override.template)
    if override.language and override.language not in dict(settings.LANGUAGES):
        message = _("Languages are %(languages)s.") % {"languages": ", ".join(dict(settings.LANGUAGES))}
        raise InvalidTemplateException.for_field("language", message, "invalid_choice")
    subject = sandbox.check(override.subject, field="subject", is_html=False)
    specs.check_names(declared=mail, used=subject.shown | subject.asked, field="subject")
    if any(map(link_places.is_link, subject.shown)):  # a subject is kept, and shown to staff
        raise InvalidTemplateException.for_field("subject", _("A link cannot stand in the subject."), "not_allowed")
    for field in ("html", "text"):
        used = sandbox.check(getattr(override, field), field=field, is_html=field == "html")
        specs.check_names(declared=mail, used=used.asked | used.shown, field=field)
        specs.check_required(declared=mail, used=used.always, field=field)
