"""The cache that all processes share, or the knowledge that there is none.

Without REDIS_URL Django's default cache is this process's own, so nothing that has to hold across processes may stand
on it: `client()` is None then, and the database answers. A Redis that cannot be reached looks the same: every caller
falls back to the database, never to "allowed".
"""

from typing import Any

import structlog
from django.conf import settings
from redis.exceptions import RedisError

logger = structlog.get_logger(__name__)

UNREACHABLE = (RedisError, ConnectionError, TimeoutError, OSError)


def client() -> Any | None:
    """The redis-py client behind Django's default cache (a pooled one), or None where REDIS_URL is not set."""
    if not settings.REDIS_URL:
        return None
    from django_redis import get_redis_connection

    return get_redis_connection("default")


def key(*parts: object) -> str:
    """A key of ours in the shared cache: `foodfleet:a:b`."""
    return ":".join(["foodfleet", *map(str, parts)])
