"""SMS templates, found without asking the database, and never an old one.

All processes share a stamp in Redis; what a process remembers holds only as long as the stamp is the one that it was
read under. Before a change commits the stamp says "changing", and nobody remembers anything; once it has committed
there is a new stamp. A process that dies between the two leaves "changing", which runs out by itself. Without
REDIS_URL, and while Redis is away, the database is asked each time.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

import structlog
from django.db import transaction

from foodfleet.core import shared_cache
from notifications.models import SmsTemplate

logger = structlog.get_logger(__name__)

CHANGING = b"changing"
CHANGE_SECONDS = 60  # no transaction that edits a template is open for longer
MEMORY_SECONDS = 60.0  # a Redis that was set back to an older state cannot keep an old template alive for longer


@dataclass(frozen=True)
class Found:
    """An active template as it stands."""

    content: str
    translations: Mapping[str, str]
    version: int


@dataclass
class _Memory:
    stamp: bytes = b""
    until: float = 0.0
    found: dict[str, Found] = field(default_factory=dict)


_memory = _Memory()


def sms_template(name: str) -> Found | None:
    """The active template of this name, or None."""
    global _memory
    stamp = _stamp()
    memory = _memory
    if stamp is None:
        return _read(name)
    if memory.stamp != stamp or memory.until < monotonic():
        memory = _memory = _Memory(stamp, monotonic() + MEMORY_SECONDS)
    if name not in memory.found:
        found = _read(name)
        if found is None:
            return None
        memory.found[name] = found
    return memory.found[name]


def about_to_change() -> None:
    """To be called before a template is written: until the change holds, nobody remembers anything."""
    _set(CHANGING)


def changed() -> None:
    """To be called after a template was written: once that holds, it is read anew."""
    transaction.on_commit(lambda: _set(uuid.uuid4().hex.encode()))


def _read(name: str) -> Found | None:
    row = SmsTemplate.objects.usable(name).values_list("content", "translations", "version").first()
    return Found(*row) if row else None


def _stamp() -> bytes | None:
    """The stamp of the moment, or None where nothing may be remembered."""
    redis = shared_cache.client()
    if redis is None:
        return None
    key = shared_cache.key("sms_templates")
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
        redis.set(shared_cache.key("sms_templates"), stamp, ex=CHANGE_SECONDS if stamp == CHANGING else None)
    except shared_cache.UNREACHABLE:
        logger.warning("shared_cache_unreachable", used_for="sms_templates")
