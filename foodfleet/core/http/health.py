"""Health checks of this process and of the services that it depends on."""

from collections.abc import Callable
from functools import cache

import structlog
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from foodfleet.core.cache import shared
from foodfleet.core.http.access import PUBLIC, endpoint

logger = structlog.get_logger(__name__)

OK, DOWN, NOT_CONFIGURED = "ok", "unavailable", "not_configured"
LATE, PENDING, UNKNOWN = "late", "pending", "unknown"

State = str | dict[str, str | int | None]  # of a part: a word, or a dictionary with the word as "state"

_parts: dict[str, Callable[[], State]] = {}


@never_cache
@endpoint(PUBLIC, "GET")
def live(request: HttpRequest) -> JsonResponse:
    """Return 200 while the process responds. Uses no other service."""
    return JsonResponse({"status": OK})


@never_cache
@endpoint(PUBLIC, "GET")
def ready(request: HttpRequest) -> JsonResponse:
    """Return 200 if database, cache and broker respond, no migration is pending and every part runs, else 503."""
    checks: dict[str, Callable[[], str]] = {"database": database_state, "cache": cache_state, "broker": broker_state}
    states = {name: check() for name, check in checks.items()}
    parts: dict[str, State] = dict.fromkeys(["migrations", *_parts], UNKNOWN)
    if states["database"] == OK:
        try:
            parts |= _states_in_database()
        except DatabaseError:
            logger.warning("not_ready", part="database", exc_info=True)
            connection.close()
            states["database"] = DOWN
    part_states = [state["state"] if isinstance(state, dict) else state for state in parts.values()]
    healthy = not {DOWN, PENDING} & {*states.values(), *part_states}
    body = {"status": OK if healthy else DOWN, "checks": states, **parts}
    return JsonResponse(body, status=200 if healthy else 503, headers={} if healthy else {"Retry-After": "5"})


def register(name: str, state: Callable[[], State]) -> None:
    """Add the state of a part of an app to `ready`."""
    _parts[name] = state


def _states_in_database() -> dict[str, State]:
    if migrations_state() == PENDING:
        return {"migrations": PENDING}
    return {"migrations": OK, **{name: state() for name, state in _parts.items()}}


def migrations_state() -> str:
    """Return OK if all migrations of this code are applied, else PENDING."""
    applied = MigrationRecorder(connection).applied_migrations()
    return OK if _migrations() <= applied.keys() else PENDING


@cache
def _migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)


def database_state() -> str:
    """Return OK if the database executes a statement, else DOWN."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return OK
    except DatabaseError:
        logger.warning("not_ready", part="database", exc_info=True)
        connection.close()
        return DOWN


def cache_state() -> str:
    """Return OK if Redis responds, NOT_CONFIGURED without one, else DOWN."""
    try:
        redis = shared.client()
        if redis is None:
            return NOT_CONFIGURED
        redis.ping()
        return OK
    except shared.UNREACHABLE:
        logger.warning("not_ready", part="cache")
        return DOWN


def broker_state() -> str:
    """Return OK if the broker accepts a connection, NOT_CONFIGURED without one, else DOWN."""
    if not settings.CELERY_BROKER_URL:
        return NOT_CONFIGURED
    from kombu.connection import Connection  # only with a broker
    from kombu.exceptions import KombuError

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
