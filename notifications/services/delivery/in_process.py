"""Sending without a broker: in the process that queued, right after its commit.

A provider that is slow or hangs must not occupy the threads that answer requests: what is not done in a second goes on
in a thread, one for each channel, and until that thread has ended new messages of the channel are left to it.
"""

import threading
from collections.abc import Mapping, Sequence
from time import monotonic
from uuid import UUID

from django.db import connections

from notifications.services.delivery import sweep as delivery_sweep
from notifications.services.delivery.dispatcher import Drain
from notifications.services.delivery.priority_queue import Limits
from notifications.states import Channel

PATIENCE = 1.0  # seconds that a thread of the server waits for messages, after it has answered
AT_ONCE = 20  # messages of one transaction; a larger number is left to `manage.py deliver_due --watch`
OTHERS = 5  # older messages that each delivery takes along, so that nothing is forgotten where nobody watches
THREAD_SECONDS = 5.0  # for so long a thread claims messages; the end of the process waits for it

_slow: set[Channel] = set()  # channels with a thread of their own
_lock = threading.Lock()


def deliver(messages: Mapping[Channel, Sequence[UUID]]) -> None:
    """Send these, and a few of the same channels that had to wait before."""
    for channel in sorted(messages, reverse=True):  # texts first: most are codes
        if channel not in _slow:
            _deliver(channel, messages[channel])


def _deliver(channel: Channel, messages: Sequence[UUID]) -> None:
    began = monotonic()
    most = min(AT_ONCE, len(messages))
    only = tuple(messages[:AT_ONCE])
    if not _run(Drain(Limits(channel, only=only, most=most, patience=PATIENCE, seconds=PATIENCE))):
        return
    rest = PATIENCE - (monotonic() - began)
    if rest > 0 and channel in {due for due, _ in delivery_sweep.sweep().due}:
        _run(Drain(Limits(channel, most=OTHERS, patience=rest, seconds=rest)))


def _run(drain: Drain) -> bool:
    """Whether the drain is finished; else a thread sees to it."""
    if not drain.run().is_unfinished:
        return True
    with _lock:
        is_first = drain.limits.channel not in _slow
        _slow.add(drain.limits.channel)
    work = _finish_and_go_on if is_first else _finish
    threading.Thread(target=work, args=[drain], name=f"delivery-{drain.limits.channel}").start()
    return False


def _finish(drain: Drain) -> None:
    try:
        drain.finish()
    finally:
        connections.close_all()


def _finish_and_go_on(drain: Drain) -> None:
    """Finish the drain, then send what was queued meanwhile."""
    channel = drain.limits.channel
    try:
        drain.finish()
        Drain(Limits(channel, seconds=THREAD_SECONDS)).run()
    finally:
        with _lock:
            _slow.discard(channel)
        try:
            Drain(Limits(channel, seconds=0.1)).run()  # what was left to this thread after its last look
        finally:
            connections.close_all()
