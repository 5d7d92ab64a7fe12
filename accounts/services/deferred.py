"""Deferred jobs: work that a request starts and that runs after its response, so that its duration reveals nothing.

A job is a row, written before the response. A job whose process died is run by the sweep; where the row cannot be
written, the request fails.
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
BATCH = 500

JOBS: dict[DeferredJobKind, Callable[..., None]] = {}


def job(kind: DeferredJobKind) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register the decorated function to run jobs of `kind`. AppConfig.ready imports every module that has one."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        JOBS[kind] = function
        return function

    return register


def enqueue(kind: DeferredJobKind, *, client: Client, **kwargs: Any) -> None:
    """Run the job with these arguments (JSON) after the response to the current request."""
    stored = ("ip", "user_agent", "request_id", "frontend")
    about = {name: getattr(client, name) for name in stored}
    queued = DeferredJob.objects.create(kind=kind, details={**kwargs, "client": about})
    after_response.run(partial(run, queued.pk))


def run(pk: int) -> bool:
    """Run a job and delete it in one transaction; False where another process did or does."""
    with transaction.atomic():
        queued = DeferredJob.objects.claim(pk)
        if queued is None:
            return False
        kwargs = dict(queued.details)
        JOBS[DeferredJobKind(queued.kind)](client=Client(**kwargs.pop("client")), **kwargs)
        queued.delete()
    return True


def sweep(now: datetime | None = None) -> int:
    """Run the jobs whose process died; returns how many. A job that fails for a day is deleted and logged."""
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
