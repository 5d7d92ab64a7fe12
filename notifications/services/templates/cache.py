"""What staff wrote, found without asking the database, and never an old version of it.

What a process remembers holds as long as the stamp that it was read under. Without REDIS_URL, while Redis is away and
while a change is under way, the database is asked each time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from foodfleet.core.cache import coherent
from notifications.models import EmailOverride, SmsTemplate

STAMP = "templates"


@dataclass(frozen=True)
class SmsWords:
    """An active SMS template as it stands."""

    content: str
    translations: Mapping[str, str]
    version: int


@dataclass(frozen=True)
class EmailWords:
    """An active override of a mail as it stands."""

    subject: str
    html: str
    text: str
    version: int


@dataclass
class _Memory:
    stamp: tuple[str, ...] = ()
    found: dict[tuple[str, str], Any] = field(default_factory=dict)


_memory = _Memory()


def sms_template(name: str) -> SmsWords | None:
    """The active template of this name, or None."""
    words: SmsWords | None = _remembered(("sms", name), lambda: _read_sms(name))
    return words


def email_overrides(template: str) -> Mapping[str, EmailWords]:
    """The active overrides of a mail by language."""
    words: Mapping[str, EmailWords] = _remembered(("email", template), lambda: _read_email(template))
    return words


def renew() -> None:
    """To be called before a template is written, and after: whatever is remembered of it holds no more."""
    coherent.invalidate_shared(STAMP)


def _read_sms(name: str) -> SmsWords | None:
    row = SmsTemplate.objects.usable(name).values_list("content", "translations", "version").first()
    return SmsWords(*row) if row else None


def _read_email(template: str) -> dict[str, EmailWords]:
    rows = EmailOverride.objects.usable(template).values_list("language", "subject", "html", "text", "version")
    return {language: EmailWords(*words) for language, *words in rows}


def _remembered(key: tuple[str, str], read: Callable[[], Any]) -> Any:
    global _memory
    stamp = coherent.shared_versions(STAMP)
    if stamp is None:
        return read()
    memory = _memory
    if memory.stamp != stamp:
        memory = _memory = _Memory(stamp)
    if key not in memory.found:
        found = read()
        if found is None:  # names that nobody has are not worth room
            return None
        memory.found[key] = found
    return memory.found[key]
