"""Is this process alive, and does what it stands on answer?"""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import connection
from django.db.utils import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.connection import Connection
from kombu.exceptions import KombuError

from foodfleet.core import shared_cache

logger = structlog.get_logger(__name__)

OK, DOWN, NOT_CONFIGURED = "ok", "unavailable", "not_configured"


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers; asks nothing of anybody."""
    return JsonResponse({"status": OK})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when database, cache and broker answer, else 503; each one's state is told by name."""
    checks: dict[str, Callable[[], str]] = {"database": database_state, "cache": cache_state, "broker": broker_state}
    states = {name: check() for name, check in checks.items()}
    healthy = DOWN not in states.values()
    body = {"status": OK if healthy else DOWN, "checks": states}
    return JsonResponse(body, status=200 if healthy else 503, headers={} if healthy else {"Retry-After": "5"})


def database_state() -> str:
    """Ask the database for nothing at all."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return OK
    except DatabaseError:
        logger.warning("not_ready", part="database", exc_info=True)
        connection.close()
        return DOWN


def cache_state() -> str:
    """Ping Redis, where there is one."""
    try:
        redis = shared_cache.client()
        if redis is None:
            return NOT_CONFIGURED
        redis.ping()
        return OK
    except shared_cache.UNREACHABLE:
        logger.warning("not_ready", part="cache")
        return DOWN


def broker_state() -> str:
    """Open a connection to the broker, where there is one."""
    if not settings.CELERY_BROKER_URL:
        return NOT_CONFIGURED
    broker = Connection(
        settings.CELERY_BROKER_URL,
        connect_timeout=settings.CONNECT_TIMEOUT,
        transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS,
    )
    try:
        transport = broker.transport  # `broker.connect()` would try twice, with a pause
        transport.close_connection(transport.establish_connection())
        return OK
    except (KombuError, OSError, *broker.connection_errors):
        logger.warning("not_ready", part="broker")
        return DOWN
    finally:
        broker.release()
