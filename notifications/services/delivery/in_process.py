"""Delivery without a broker: in the process that queued the message, right after the commit.

A slow provider must not occupy the threads that answer requests: delivery that takes longer than a second is finished
in a separate thread, one for each channel. That thread also sends messages queued meanwhile.
"""

import threading
from collections.abc import Collection, Mapping
from time import monotonic
from uuid import UUID

from django.db import connections

from notifications.services.delivery import sweep as delivery_sweep
from notifications.services.delivery.dispatcher import Dispatcher
from notifications.services.delivery.priority_queue import Limits
from notifications.states import Channel

TIMEOUT = 1.0  # seconds that a server thread may spend on sending after a response
MOST_AT_ONCE = 20  # messages of one transaction; the rest is left to `manage.py deliver_due --watch`
MOST_OLDER = 5  # older messages that are sent too, for installations without `deliver_due --watch`
THREAD_SECONDS = 5.0  # for which a thread claims messages; the process waits for it when it ends
ORDER = (Channel.SMS, Channel.EMAIL, Channel.WEBHOOK)  # most SMS are codes

_in_thread: set[Channel] = set()  # channels that have a thread
_lock = threading.Lock()


def deliver(messages: Mapping[Channel, Collection[UUID]]) -> None:
    """Send these messages, and a few older ones of the same channels."""
    for channel in ORDER:
        if channel in messages and channel not in _in_thread:  # otherwise its thread sends them
            _deliver(channel, messages[channel])


def _deliver(channel: Channel, messages: Collection[UUID]) -> None:
    began = monotonic()
    if not _run(
        Dispatcher(Limits(channel, only=tuple(messages), most=len(messages), timeout=TIMEOUT, seconds=TIMEOUT))
    ):
        return
    rest = TIMEOUT - (monotonic() - began)
    if rest > 0 and channel in {due for due, _ in delivery_sweep.sweep().due}:
        _run(Dispatcher(Limits(channel, most=MOST_OLDER, timeout=rest, seconds=rest)))


def _run(dispatcher: Dispatcher) -> bool:
    """Run the dispatcher. Returns False if a thread finishes it."""
    if not dispatcher.run().is_unfinished:
        return True
    with _lock:
        is_first = dispatcher.limits.channel not in _in_thread
        _in_thread.add(dispatcher.limits.channel)
    work = _finish_and_continue if is_first else _finish
    threading.Thread(target=work, args=[dispatcher], name=f"delivery-{dispatcher.limits.channel}").start()
    return False


def _finish(dispatcher: Dispatcher) -> None:
    try:
        dispatcher.finish()
    finally:
        connections.close_all()


def _finish_and_continue(dispatcher: Dispatcher) -> None:
    """Finish the dispatcher, then send the messages queued meanwhile."""
    channel = dispatcher.limits.channel
    try:
        dispatcher.finish()
        Dispatcher(Limits(channel, seconds=THREAD_SECONDS)).run()
    finally:
        with _lock:
            _in_thread.discard(channel)
        try:
            Dispatcher(Limits(channel, seconds=0.1)).run()  # what `deliver` left to this thread since its last query
        finally:
            connections.close_all()
