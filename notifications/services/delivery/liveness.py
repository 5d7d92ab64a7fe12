"""Does anything look for messages that are due?"""

from time import monotonic

from django.conf import settings
from django.utils import timezone

from foodfleet.core import heartbeats
from foodfleet.core.http import health
from notifications.services.delivery import sweep
from notifications.states import Channel, Priority

NAME = "delivery"
LATE_AFTER = 60.0  # seconds; beat calls for a sweep every 5, and a heartbeat is written every 10

_started = monotonic()


def seen() -> None:
    """Messages that are due are looked for now: by a worker that beat called, or by `deliver_due --watch`.

    So one sign of life tells that all parts of delivery work: beat, the broker and a worker.
    """
    heartbeats.beat(NAME)


def delivery_state() -> health.State:
    """For /health/ready/: unavailable after DELIVERY_DEAD_AFTER without a sign of life since this process began."""
    seen_at = heartbeats.last_seen(NAME)
    silence = seen_at.total_seconds() if seen_at is not None else None
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
    """For how many seconds the message that waits longest has been due."""
    times = [due_at for channel in Channel if (due_at := sweep.next_due(channel, Priority.BULK)) is not None]
    return max(0, int((timezone.now() - min(times)).total_seconds())) if times else 0
