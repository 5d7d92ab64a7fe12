"""Record in the database when background processes were last alive."""

from datetime import timedelta
from time import monotonic

from django.utils import timezone

from foodfleet.core.models import Heartbeat

INTERVAL = 10.0  # seconds between two writes of one process

_written: dict[str, float] = {}


def beat(name: str) -> None:
    """Record that this process does the work of `name`, at most once every INTERVAL seconds."""
    now = monotonic()
    if now - _written.get(name, -INTERVAL) >= INTERVAL:
        _written[name] = now
        Heartbeat.objects.write(name, timezone.now())


def last_seen(name: str) -> timedelta | None:
    """Return the time since the last heartbeat; None if there was none."""
    at = Heartbeat.objects.time_of(name)
    return None if at is None else max(timedelta(), timezone.now() - at)


def forget() -> None:
    """Make the next heartbeat write, for tests."""
    _written.clear()
