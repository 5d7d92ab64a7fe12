"""The cache that all processes share, or the knowledge that there is none.

Without REDIS_URL Django's default cache is this process's own, so nothing that has to hold across processes may stand
on it: `client()` is None then, and the database answers. A Redis that cannot be reached looks the same: every caller
falls back to the database, never to "allowed". Who found it unreachable says so by `lost()`, so that for a moment the
next callers need not wait for the same time-out.
"""

from time import monotonic
from typing import Any

import structlog
from django.conf import settings
from redis.exceptions import RedisError

logger = structlog.get_logger(__name__)

UNREACHABLE = (RedisError, ConnectionError, TimeoutError, OSError)
PAUSE_SECONDS = 2.0  # that a process leaves a Redis alone which it could not reach

_paused_until = 0.0
_in_doubt = False


def client() -> Any | None:
    """The redis-py client behind Django's default cache (a pooled one), or None where REDIS_URL is not set."""
    if not settings.REDIS_URL:
        return None
    from django_redis import get_redis_connection

    return get_redis_connection("default")


def reachable() -> Any | None:
    """`client()`, but None also for PAUSE_SECONDS after somebody in this process could not reach it.

    After that one caller tries, and only when that went well do the others: a Redis that lets everybody wait for the
    time-out must not hold up all threads at once.
    """
    global _paused_until, _in_doubt
    now = monotonic()
    if now < _paused_until:
        return None
    if _in_doubt:
        _in_doubt = False
        _paused_until = now + PAUSE_SECONDS
    return client()


def lost(*, used_for: str) -> None:
    """Somebody could not reach Redis just now."""
    global _paused_until, _in_doubt
    _paused_until, _in_doubt = monotonic() + PAUSE_SECONDS, True
    logger.warning("shared_cache_unreachable", used_for=used_for)


def forget_loss() -> None:
    """Try Redis again at the next call."""
    global _paused_until, _in_doubt
    _paused_until, _in_doubt = 0.0, False


def key(*parts: object) -> str:
    """A key of ours in the shared cache: `foodfleet:a:b`."""
    return ":".join(["foodfleet", *map(str, parts)])
