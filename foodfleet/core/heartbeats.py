"""When a part that runs by itself was last seen at work, told through the database to every process."""

from datetime import timedelta
from time import monotonic

from django.utils import timezone

from foodfleet.core.models import Heartbeat

WRITTEN_EACH = 10.0  # seconds; more often a process does not write

_written: dict[str, float] = {}


def beat(name: str) -> None:
    """Note that the work of `name` is done by this process now."""
    now = monotonic()
    if now - _written.get(name, -WRITTEN_EACH) >= WRITTEN_EACH:
        _written[name] = now
        Heartbeat.objects.write(name, timezone.now())


def last_seen(name: str) -> timedelta | None:
    """How long ago; None where it never was."""
    at = Heartbeat.objects.time_of(name)
    return None if at is None else max(timedelta(), timezone.now() - at)


def forget() -> None:
    """Write again at the next beat."""
    _written.clear()
