"""Receivers of signals: request logs, and migrations without time-outs."""

from time import perf_counter
from typing import Any

from django.db import connections
from django.db.models.signals import pre_migrate
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django_structlog import signals


@receiver(signals.bind_extra_request_metadata)
def start_clock(request: HttpRequest, **kwargs: Any) -> None:
    """Record when the request started."""
    request.started_at = perf_counter()  # type: ignore[attr-defined]


@receiver(signals.bind_extra_request_finished_metadata)
def describe_request(request: HttpRequest, response: HttpResponse, log_kwargs: dict[str, Any], **kwargs: Any) -> None:
    """Log method, path, status and duration, but not the query string, which may contain a secret."""
    log_kwargs.clear()
    started = getattr(request, "started_at", None)
    log_kwargs.update(
        method=request.method,
        path=request.path,
        status=response.status_code,
        duration_ms=round((perf_counter() - started) * 1000, 2) if started is not None else None,
    )


REQUEST_TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


@receiver(pre_migrate)
def lift_timeouts(using: str, **kwargs: Any) -> None:
    """Disable the time-outs of requests: building an index on a large table takes minutes."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for name in REQUEST_TIMEOUTS:
                cursor.execute(f"SET {name} = 0")
