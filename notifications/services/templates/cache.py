"""A cache in each process for the templates that staff edit. It never returns an outdated version."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foodfleet.core.cache import coherent
from notifications.models import EmailOverride, SmsTemplate

KEY = "templates"
_cache: coherent.Cache[Any] = coherent.Cache(size=1_000, name="templates")


@dataclass(frozen=True)
class SmsTemplateContent:
    """The current content of an active SMS template."""

    content: str
    translations: Mapping[str, str]
    version: int


@dataclass(frozen=True)
class OverrideContent:
    """The current content of an active e-mail override."""

    subject: str
    html: str
    text: str
    version: int


def sms_template(name: str) -> SmsTemplateContent | None:
    """Return the active template of this name, or None."""
    content: SmsTemplateContent | None = _cache.get(("sms", name), (KEY,), lambda: _read_sms(name))
    return content


def sms_template_names() -> tuple[str, ...]:
    """Return the names of all SMS templates, active or not."""
    names: tuple[str, ...] = _cache.get(("sms names",), (KEY,), _read_sms_names)
    return names


def email_overrides(template: str) -> Mapping[str, OverrideContent]:
    """Return the active overrides of an e-mail by language."""
    by_language: Mapping[str, OverrideContent] = _cache.get(("email", template), (KEY,), lambda: _read_email(template))
    return by_language


def invalidate() -> None:
    """Invalidate all entries in every process."""
    coherent.invalidate(KEY)


def _read_sms(name: str) -> SmsTemplateContent | None:
    row = SmsTemplate.objects.usable(name).values_list("content", "translations", "version").first()
    return SmsTemplateContent(*row) if row else None


def _read_sms_names() -> tuple[str, ...]:
    return tuple(SmsTemplate.objects.values_list("name", flat=True))


def _read_email(template: str) -> dict[str, OverrideContent]:
    rows = EmailOverride.objects.usable(template).values_list("language", "subject", "html", "text", "version")
    return {row[0]: OverrideContent(*row[1:]) for row in rows}
