"""Metrics of Celery's tasks; imported if there is a broker."""

from time import monotonic
from typing import Any

from celery.signals import task_postrun, task_prerun, worker_process_init

from foodfleet.core.metrics.counters import Histogram, writer

TASKS = Histogram("foodfleet_task_duration_seconds", "Tasks of Celery by name and state.", "task", "state")


@worker_process_init.connect
def write(**kwargs: Any) -> None:
    """Start writing the counts of this process."""
    writer.start()


@task_prerun.connect
def start_clock(task: Any, **kwargs: Any) -> None:
    """Record when the task started."""
    task.request.started_at = monotonic()


@task_postrun.connect
def observe(task: Any, state: str = "", **kwargs: Any) -> None:
    """Record how long the task took."""
    TASKS.observe(monotonic() - task.request.started_at, task.name, state or "UNKNOWN")
