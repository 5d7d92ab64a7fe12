"""What staff wrote, found without asking the database, and never an old version of it.

All processes share a stamp in Redis; what a process remembers holds only as long as the stamp is the one that it was
read under. Before a change commits the stamp says "changing", and nobody remembers anything; once it has committed
there is a new stamp. A process that dies between the two leaves "changing", which runs out by itself. Without
REDIS_URL, and while Redis is away, the database is asked each time.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import structlog
from django.db import transaction

from foodfleet.core import shared_cache
from notifications.models import EmailOverride, SmsTemplate

logger = structlog.get_logger(__name__)

CHANGING = b"changing"
CHANGE_SECONDS = 60  # no transaction that edits a template is open for longer
MEMORY_SECONDS = 60.0  # a Redis that was set back to an older state cannot keep an old template alive for longer


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
    stamp: bytes = b""
    until: float = 0.0
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


def about_to_change() -> None:
    """To be called before a template is written: until the change holds, nobody remembers anything."""
    _set(CHANGING)


def changed() -> None:
    """To be called after a template was written: once that holds, it is read anew."""
    transaction.on_commit(lambda: _set(uuid.uuid4().hex.encode()))


def _read_sms(name: str) -> SmsWords | None:
    row = SmsTemplate.objects.usable(name).values_list("content", "translations", "version").first()
    return SmsWords(*row) if row else None


def _read_email(template: str) -> dict[str, EmailWords]:
    rows = EmailOverride.objects.usable(template).values_list("language", "subject", "html", "text", "version")
    return {language: EmailWords(*words) for language, *words in rows}


def _remembered(key: tuple[str, str], read: Callable[[], Any]) -> Any:
    global _memory
    stamp = _stamp()
    if stamp is None:
        return read()
    memory = _memory
    if memory.stamp != stamp or memory.until < monotonic():
        memory = _memory = _Memory(stamp, monotonic() + MEMORY_SECONDS)
    if key not in memory.found:
        found = read()
        if found is None:  # names that nobody has are not worth room
            return None
        memory.found[key] = found
    return memory.found[key]


def _stamp() -> bytes | None:
    """The stamp of the moment, or None where nothing may be remembered."""
    redis = shared_cache.client()
    if redis is None:
        return None
    key = shared_cache.key("templates")
    try:
        stamp = redis.get(key)
        if stamp is None:
            redis.set(key, uuid.uuid4().hex, nx=True)
            stamp = redis.get(key)
    except shared_cache.UNREACHABLE:
        return None
    return None if stamp in (None, CHANGING) else bytes(stamp)


def _set(stamp: bytes) -> None:
    redis = shared_cache.client()
    if redis is None:
        return
    try:
        redis.set(shared_cache.key("templates"), stamp, ex=CHANGE_SECONDS if stamp == CHANGING else None)
    except shared_cache.UNREACHABLE:
        logger.warning("shared_cache_unreachable", used_for="templates")
