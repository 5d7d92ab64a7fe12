"""Deferred jobs: work of a request that runs after its response, so that its duration reveals nothing.

A job is a row that is written before the response; if it cannot be written, the request fails. The sweep runs jobs that
a process left over when it died.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.models import DeferredJob
from accounts.states import DeferredJobKind
from foodfleet.core.http import after_response
from foodfleet.core.http.clients import Client

logger = structlog.get_logger(__name__)

SWEEP_AFTER = timedelta(seconds=30)  # older jobs belong to a process that died
RETRY_FOR = timedelta(days=1)
BATCH = 500  # jobs in one sweep

JOBS: dict[DeferredJobKind, Callable[..., None]] = {}


def job(kind: DeferredJobKind) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register the decorated function to run jobs of `kind`. AppConfig.ready must import its module."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        JOBS[kind] = function
        return function

    return register


def enqueue(kind: DeferredJobKind, *, client: Client, **kwargs: Any) -> None:
    """Run a job after the response to the current request. The arguments must be JSON values."""
    stored = {name: getattr(client, name) for name in ("ip", "user_agent", "request_id", "frontend")}
    queued = DeferredJob.objects.create(kind=kind, details={**kwargs, "client": stored})
    after_response.run(partial(run, queued.pk))


def run(pk: int) -> bool:
    """Run a job and delete it in one transaction; return False if another process ran or runs it."""
    with transaction.atomic():
        queued = DeferredJob.objects.claim(pk)
        if queued is None:
            return False
        kwargs = dict(queued.details)
        JOBS[DeferredJobKind(queued.kind)](client=Client(**kwargs.pop("client")), **kwargs)
        queued.delete()
    return True


def sweep(now: datetime | None = None) -> int:
    """Run the jobs of processes that died; return how many. A job that has failed for a day is logged and deleted."""
    now = now or timezone.now()
    count = 0
    for pk, created_at in DeferredJob.objects.created_before(now - SWEEP_AFTER).values_list("pk", "created_at")[:BATCH]:
        try:
            count += run(pk)
        except Exception:
            is_given_up = created_at < now - RETRY_FOR
            logger.exception("deferred_job_failed", job=pk, given_up=is_given_up)
            if is_given_up:
                DeferredJob.objects.filter(pk=pk).delete()
    return count
