"""The Redis that all processes share, if there is one.

Without REDIS_URL Django's default cache belongs to one process, so nothing shared by processes may rely on it:
`client()` is None then, and callers use the database. If Redis is unreachable, callers fall back to the database too,
never to "allowed". They call `lost()`, so that the next callers do not wait for the same time-out.
"""

from time import monotonic
from typing import Any

import structlog
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = structlog.get_logger(__name__)

UNREACHABLE = (RedisError, ConnectionError, TimeoutError, OSError)
PAUSE_SECONDS = 2.0  # during which a process does not try to reach Redis again

_paused_until = 0.0
_in_doubt = False


def client() -> Any | None:
    """Return the pooled redis-py client behind Django's default cache, or None without REDIS_URL."""
    if not settings.REDIS_URL:
        return None
    from django_redis import get_redis_connection

    return get_redis_connection("default")


def new_client(url: str) -> Any:
    """Return a client with its own connection and without retries."""
    options = settings.CACHES["default"]["OPTIONS"]
    return Redis.from_url(
        url,
        socket_timeout=options["SOCKET_TIMEOUT"],
        socket_connect_timeout=options["SOCKET_CONNECT_TIMEOUT"],
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def reachable() -> Any | None:
    """Return `client()`, or None for PAUSE_SECONDS after a caller in this process could not reach Redis.

    After the pause only one caller tries, and the others wait for its success: a Redis that hangs must not block all
    threads together.
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
    """Report that Redis could not be reached."""
    global _paused_until, _in_doubt
    _paused_until, _in_doubt = monotonic() + PAUSE_SECONDS, True
    logger.warning("shared_cache_unreachable", used_for=used_for)


def forget_loss() -> None:
    """Try Redis again at the next call."""
    global _paused_until, _in_doubt
    _paused_until, _in_doubt = 0.0, False


def key(*parts: object) -> str:
    """Return a key in Redis: `foodfleet:a:b`."""
    return ":".join(["foodfleet", *map(str, parts)])
