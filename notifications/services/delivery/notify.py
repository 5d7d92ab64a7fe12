"""Dedup keys in Redis: one task is enough for all messages of a channel and priority."""

from foodfleet.core.cache import rate_limits
from notifications.states import Channel, Priority

NOTIFIED_FOR = 10  # seconds; then a task that the broker lost is published again
SWEEP_EACH = 5  # seconds


def should_notify(channel: Channel, priority: Priority) -> bool:
    """Return whether to publish a task, and set the dedup key: no such task waits for a worker yet.

    Always True without Redis.
    """
    return rate_limits.is_first(_key(channel, priority), seconds=NOTIFIED_FOR) is not False


def should_notify_later(channel: Channel, priority: Priority, pause: float) -> bool:
    """Return whether no such task is scheduled within `pause` seconds. Always False without Redis: a sweep is soon."""
    return rate_limits.is_first(f"{_key(channel, priority)}:later", seconds=pause) is True


def should_sweep() -> bool:
    """Return whether no sweep ran in the last SWEEP_EACH seconds. Always True without Redis."""
    return rate_limits.is_first("sweep", seconds=SWEEP_EACH) is not False


def clear(channel: Channel, priority: Priority) -> None:
    """Delete the dedup key before a worker claims messages: those queued from now on notify a worker again."""
    rate_limits.allow_again(_key(channel, priority))


def _key(channel: Channel, priority: Priority) -> str:
    return f"dispatch:{channel}:{int(priority)}"
