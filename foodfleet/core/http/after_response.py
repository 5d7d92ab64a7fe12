"""Run work after the response to a request has been sent: no client waits for it or can measure how long it takes.

Servers close a response when it is sent; Django then sends `request_finished` in the thread that made the response.
"""

from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any

import structlog
from asgiref.local import Local
from django.core.signals import request_finished, request_started
from django.db import connections
from django.dispatch import receiver

logger = structlog.get_logger(__name__)

_state = Local()  # `waiting`: the work of the current request; None outside of requests


def run(work: Callable[[], object]) -> None:
    """Run `work` after the response to the current request, or at once outside of requests, as in a command.

    Runs in the same thread, first in first out, in the request's context, with its id in the log and its trace. An
    exception is logged and does not stop later work; outside of requests it is raised. If the process dies before, the
    work is lost.
    """
    waiting: list[Callable[[], object]] | None = getattr(_state, "waiting", None)
    if waiting is None:
        work()
    else:
        waiting.append(partial(copy_context().run, _run_waiting, work))


def _run_waiting(work: Callable[[], object]) -> None:
    """Run `work` in the context of the request at the time of `run`."""
    _state.waiting = None
    try:
        work()
    except Exception:
        logger.exception("after_response_failed")


@receiver(request_started)
def begin(**kwargs: Any) -> None:
    """Start a queue for the request, with the work of an earlier response in this thread that was never closed."""
    _state.waiting = getattr(_state, "waiting", None) or []


@receiver(request_finished)
def finish(**kwargs: Any) -> None:
    """Run the queue."""
    waiting, _state.waiting = getattr(_state, "waiting", None) or [], None
    for work in waiting:
        work()
    if waiting:
        _close_old_connections()  # Django closed those of the request before


def forget() -> None:
    """Drop the request of this thread and its queue. For tests that end within a request."""
    _state.waiting = None


def _close_old_connections() -> None:
    """Close connections as Django does, except those inside a transaction that surrounds the request, as in tests."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
