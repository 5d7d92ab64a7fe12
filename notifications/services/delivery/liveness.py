"""Heartbeats of delivery, its state for health checks, and its gauges."""

from collections.abc import Iterator
from itertools import product
from time import monotonic

from django.conf import settings
from django.utils import timezone

from foodfleet.core import heartbeats
from foodfleet.core.http import health
from foodfleet.core.metrics.scrape import Gauge
from notifications.models import Message
from notifications.services.delivery import sweep
from notifications.states import Channel, Priority, Status

NAME = "delivery"
WAITING = (Status.QUEUED, Status.SENDING)
LATE_AFTER = 60.0  # seconds; beat schedules a sweep every 5, and a heartbeat is written every 10

_started = monotonic()


def record_heartbeat() -> None:
    """Record that a worker or `deliver_due --watch` looked for due messages.

    With a broker this shows that beat, the broker and a worker are all running.
    """
    heartbeats.beat(NAME)


def delivery_state() -> health.State:
    """Return the state for /health/ready/: unavailable after DELIVERY_DEAD_AFTER seconds without a heartbeat."""
    age = heartbeats.last_seen(NAME)
    silence = age.total_seconds() if age is not None else None
    if silence is not None and silence < LATE_AFTER:
        state = health.OK
    elif min(monotonic() - _started, silence if silence is not None else float("inf")) < settings.DELIVERY_DEAD_AFTER:
        state = health.LATE
    else:
        state = health.DOWN
    return {
        "state": state,
        "last_seen_seconds": int(silence) if silence is not None else None,
        "oldest_due_seconds": oldest_due(),
    }


def oldest_due() -> int:
    """Return how many seconds ago the message that waits longest became due; 0 if none waits."""
    times = [due_at for channel in Channel if (due_at := sweep.next_due(channel, Priority.BULK)) is not None]
    return max(0, int((timezone.now() - min(times)).total_seconds())) if times else 0


def _waiting() -> Iterator[tuple[tuple[str, ...], float]]:
    counts = {(channel, status): count for channel, status, count in Message.objects.count_waiting()}
    for labels in product(Channel, WAITING):  # also zeros: a line that ends shows no value in a dashboard
        yield labels, counts.get(labels, 0)


def _oldest_due() -> Iterator[tuple[tuple[str, ...], float]]:
    yield (), oldest_due()


def _heartbeat() -> Iterator[tuple[tuple[str, ...], float]]:
    age = heartbeats.last_seen(NAME)
    if age is not None:
        yield (), (timezone.now() - age).timestamp()


Gauge("foodfleet_messages_waiting", "Messages queued and being sent.", "channel", "state", read=_waiting)
Gauge("foodfleet_oldest_due_seconds", "For how long the oldest due message has waited.", read=_oldest_due)
Gauge("foodfleet_delivery_heartbeat_timestamp_seconds", "When delivery last looked for messages.", read=_heartbeat)
