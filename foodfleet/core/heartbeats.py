"""Record when a background process was last alive, in the database for every process."""

from datetime import timedelta
from time import monotonic

from django.utils import timezone

from foodfleet.core.models import Heartbeat

WRITTEN_EACH = 10.0  # seconds between writes of a process

_written: dict[str, float] = {}


def beat(name: str) -> None:
    """Record that this process is doing the work of `name`."""
    now = monotonic()
    if now - _written.get(name, -WRITTEN_EACH) >= WRITTEN_EACH:
        _written[name] = now
        Heartbeat.objects.write(name, timezone.now())


def last_seen(name: str) -> timedelta | None:
    """Return the time since the last heartbeat; None if there was none."""
    at = Heartbeat.objects.time_of(name)
    return None if at is None else max(timedelta(), timezone.now() - at)


def forget() -> None:
    """Write at the next heartbeat."""
    _written.clear()
