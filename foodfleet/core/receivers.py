"""What core adds to django-structlog's line for each request."""

from time import perf_counter
from typing import Any

from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django_structlog import signals


@receiver(signals.bind_extra_request_metadata)
def start_clock(request: HttpRequest, **kwargs: Any) -> None:
    """Remember when the request began."""
    request.started_at = perf_counter()  # type: ignore[attr-defined]


@receiver(signals.bind_extra_request_finished_metadata)
def describe_request(request: HttpRequest, response: HttpResponse, log_kwargs: dict[str, Any], **kwargs: Any) -> None:
    """Put method, path, status and duration into the line; the query string is left out: it may hold a secret."""
    log_kwargs.clear()
    started = getattr(request, "started_at", None)
    log_kwargs.update(
        method=request.method,
        path=request.path,
        status=response.status_code,
        duration_ms=round((perf_counter() - started) * 1000, 2) if started is not None else None,
    )
