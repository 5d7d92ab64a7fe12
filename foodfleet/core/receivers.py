"""Receivers of signals: logs and metrics of requests, and migrations without time-outs."""

from time import perf_counter
from typing import Any

from django.db import connections
from django.db.models.signals import pre_migrate
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django_structlog import signals

from foodfleet.core.metrics.counters import Histogram

REQUESTS = Histogram(
    "foodfleet_http_request_duration_seconds", "Requests by route, method and status.", "route", "method", "status"
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})  # clients send others


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

    if started is not None:
        route = request.resolver_match.route if request.resolver_match else "none"
        method = request.method if request.method in METHODS else "OTHER"
        REQUESTS.observe(perf_counter() - started, route, method, str(response.status_code))


REQUEST_TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


@receiver(pre_migrate)
def lift_timeouts(using: str, **kwargs: Any) -> None:
    """Disable the time-outs of requests: building an index on a large table takes minutes."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for name in REQUEST_TIMEOUTS:
                cursor.execute(f"SET {name} = 0")
