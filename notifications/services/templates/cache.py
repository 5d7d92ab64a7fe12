"""A process-local cache of the templates that staff edit, which never returns an old version.

Entries are valid for the cache version that they were read under. Without REDIS_URL, while Redis is unavailable and
during a change, every read goes to the database.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from foodfleet.core.cache import coherent
from notifications.models import EmailOverride, SmsTemplate

VERSION_KEY = "templates"


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


@dataclass
class _Cache:
    version: tuple[str, ...] = ()
    entries: dict[tuple[str, str], Any] = field(default_factory=dict)


_cache = _Cache()


def sms_template(name: str) -> SmsTemplateContent | None:
    """Return the active template of this name, or None."""
    content: SmsTemplateContent | None = _cached(("sms", name), lambda: _read_sms(name))
    return content


def email_overrides(template: str) -> Mapping[str, OverrideContent]:
    """Return the active overrides of an e-mail by language."""
    by_language: Mapping[str, OverrideContent] = _cached(("email", template), lambda: _read_email(template))
    return by_language


def invalidate() -> None:
    """Invalidate all entries in every process. Call it before a template is written and after."""
    coherent.invalidate_shared(VERSION_KEY)


def _read_sms(name: str) -> SmsTemplateContent | None:
    row = SmsTemplate.objects.usable(name).values_list("content", "translations", "version").first()
    return SmsTemplateContent(*row) if row else None


def _read_email(template: str) -> dict[str, OverrideContent]:
    rows = EmailOverride.objects.usable(template).values_list("language", "subject", "html", "text", "version")
    return {row[0]: OverrideContent(*row[1:]) for row in rows}


def _cached(key: tuple[str, str], read: Callable[[], Any]) -> Any:
    global _cache
    version = coherent.shared_versions(VERSION_KEY)
    if version is None:
        return read()
    current = _cache
    if current.version != version:
        current = _cache = _Cache(version)
    if key not in current.entries:
        found = read()
        if found is None:  # a name that does not exist is not cached: there is no limit on such names
            return None
        current.entries[key] = found
    return current.entries[key]
