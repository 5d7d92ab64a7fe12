"""Check, save, restore and delete overrides: content that staff write for the product's e-mails."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from foodfleet.core.http.clients import Client
from notifications.exceptions import (
    EmailOverrideNotFoundException,
    EmailTemplateNotFoundException,
    InvalidTemplateException,
    MissingVariablesException,
    VersionNotFoundException,
)
from notifications.models import EmailOverride, EmailOverrideVersion
from notifications.services.templates import link_places, placeholders, sandbox, specs, versions
from notifications.services.templates.versions import NO_CLIENT
from notifications.states import Channel
from rbac.services import actors

NUMBER = re.compile(r"[0-9]{1,9}")
VERSIONED = ("subject", "html", "text", "is_active")


@dataclass(frozen=True)
class OverrideChanges:
    """New values of an override, which keeps its e-mail and language; None keeps a field."""

    subject: str | None = None
    html: str | None = None
    text: str | None = None
    is_active: bool | None = None


def find(pk: int) -> EmailOverride:
    """Return the override with this ID. Raises EmailOverrideNotFoundException."""
    return _one_of(EmailOverride.objects.all(), pk)


def _one_of(overrides: QuerySet[EmailOverride], pk: int) -> EmailOverride:
    override = overrides.filter(pk=pk).first()
    if override is None:
        raise EmailOverrideNotFoundException
    return override


def spec_of(template: str) -> specs.TemplateSpec:
    """Return the spec of one of the product's e-mails. Raises EmailTemplateNotFoundException."""
    found = specs.find(Channel.EMAIL, template)
    if found is None:
        raise EmailTemplateNotFoundException(details={"template": template})
    return found


def accepted(template: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `variables` that the e-mail declares, with numbers as int.

    Raises EmailTemplateNotFoundException, or MissingVariablesException for a required value that is missing, blank, or
    not a number although its example is.
    """
    spec = spec_of(template)
    values: dict[str, Any] = {}
    missing = []
    for variable in spec.variables:
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


def save(
    *, override: EmailOverride, by: User | None, opened_with: int | None = None, client: Client = NO_CLIENT
) -> EmailOverride:
    """Check and save a new or changed override and add a version.

    opened_with: the version that the editor saw; a newer one is not overwritten (NewerVersionException).
    Raises InvalidTemplateException, EmailTemplateNotFoundException, or Django's ValidationError for a second override
    of the same e-mail and language.
    """
    check(override)
    override.full_clean()
    is_new = override.pk is None
    with transaction.atomic():
        actors.lock_actor(by, "email_templates:create" if is_new else "email_templates:update")
        if not is_new:
            override.version = versions.next_number(override, opened_with)
        versions.save_row(override)
        data = {field: getattr(override, field) for field in VERSIONED}
        EmailOverrideVersion.objects.create(override=override, number=override.version, data=data, saved_by=by)
        versions.record(override, "created" if is_new else "updated", by, client)
    return override


def change(
    *,
    pk: int,
    changes: OverrideChanges,
    by: User | None,
    opened_with: int | None = None,
    client: Client = NO_CLIENT,
) -> EmailOverride:
    """Change some fields of an override; concurrent changes of other fields are kept.

    Raises EmailOverrideNotFoundException, and as `save`.
    """
    with transaction.atomic():
        override = _one_of(EmailOverride.objects.select_for_update(), pk)
        for field, value in asdict(changes).items():
            if value is not None:
                setattr(override, field, value)
        return save(override=override, by=by, opened_with=opened_with, client=client)


def delete(*, override: EmailOverride, by: User | None, client: Client = NO_CLIENT) -> None:
    """Delete an override. The product's own content is sent again. Raises as `actors.lock_actor`."""
    with transaction.atomic():
        actors.lock_actor(by, "email_templates:delete")
        versions.record(override, "deleted", by, client)
        override.delete()


def restore(
    *, pk: int, number: int, by: User | None, opened_with: int | None = None, client: Client = NO_CLIENT
) -> EmailOverride:
    """Save the content of version `number` again, as the newest version.

    Raises VersionNotFoundException, and as `change`.
    """
    version = find(pk).versions.filter(number=number).first()
    if version is None:
        raise VersionNotFoundException
    changes = OverrideChanges(**version.data)
    return change(pk=pk, changes=changes, by=by, opened_with=opened_with, client=client)


def check(override: EmailOverride) -> None:
    """Validate without saving. Raises InvalidTemplateException or EmailTemplateNotFoundException."""
    spec = spec_of(override.template)
    if override.language and override.language not in dict(settings.LANGUAGES):
        message = _("Choose one of these languages: %(languages)s.") % {
            "languages": ", ".join(dict(settings.LANGUAGES))
        }
        raise InvalidTemplateException.for_field("language", message, "invalid_choice")
    subject = sandbox.check(override.subject, field="subject", is_html=False)
    specs.check_names(spec=spec, used=subject.shown | subject.tested, field="subject")
    if any(map(link_places.is_link, subject.shown)):  # subjects are stored and shown to staff
        raise InvalidTemplateException.for_field("subject", _("The subject must not contain a link."), "not_allowed")
    for field in ("html", "text"):
        used = sandbox.check(getattr(override, field), field=field, is_html=field == "html")
        specs.check_names(spec=spec, used=used.tested | used.shown, field=field)
        specs.check_required(spec=spec, used=used.always, field=field)
