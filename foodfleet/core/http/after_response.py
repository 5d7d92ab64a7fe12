"""What is done once the answer to a request has been given: nobody waits for it, and its time tells nobody anything.

Servers close a response when it is sent; Django says so by `request_finished`, in the thread that made it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from asgiref.local import Local
from django.core.signals import request_finished, request_started
from django.db import connections
from django.dispatch import receiver
from structlog.contextvars import bound_contextvars, get_contextvars

logger = structlog.get_logger(__name__)

_state = Local()  # of this request: `waiting`, a list; None outside of requests


def do(work: Callable[[], object]) -> None:
    """Do `work` after the answer to the present request; at once where there is none, as in a command.

    In the same thread, the earliest first, with what is bound to the log, such as the request's id. Whatever it raises
    is logged, and holds up nothing that waits behind it; outside of requests it is the caller's. A process that dies
    meanwhile has not done it.
    """
    waiting: list[Callable[[], object]] | None = getattr(_state, "waiting", None)
    if waiting is None:
        work()
    else:
        waiting.append(partial(_in_log_context, get_contextvars(), work))


def _in_log_context(bound: dict[str, Any], work: Callable[[], object]) -> None:
    with bound_contextvars(**bound):
        try:
            work()
        except Exception:
            logger.exception("after_answer_failed")


@receiver(request_started)
def begin(**kwargs: Any) -> None:
    """A request begins. What one before it left in this thread, because nobody closed its response, is not lost."""
    _state.waiting = getattr(_state, "waiting", None) or []


@receiver(request_finished)
def finish(**kwargs: Any) -> None:
    """The answer is given."""
    waiting, _state.waiting = getattr(_state, "waiting", None) or [], None
    for work in waiting:
        work()
    if waiting:
        _close_old_connections()  # Django closed the request's before


def _close_old_connections() -> None:
    """Django's own, but for those that somebody around the request holds a transaction on."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
