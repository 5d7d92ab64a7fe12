"""Dedup keys in Redis: a thousand messages of a channel and priority need one task."""

from foodfleet.core.cache import rate_limits
from notifications.states import Channel, Priority

NOTIFIED_FOR = 10  # seconds; after them a task that the broker lost is published again
SWEEP_EACH = 5  # seconds


def should_notify(channel: Channel, priority: Priority) -> bool:
    """Whether no such task waits for a worker yet; True sets the dedup key. Always True without Redis."""
    return rate_limits.is_first(_key(channel, priority), seconds=NOTIFIED_FOR) is not False


def should_notify_later(channel: Channel, priority: Priority, pause: float) -> bool:
    """Whether no such task is scheduled within `pause` seconds. Always False without Redis: the sweep comes soon."""
    return rate_limits.is_first(f"{_key(channel, priority)}:later", seconds=pause) is True


def should_sweep() -> bool:
    """Whether no sweep ran lately. Always True without Redis."""
    return rate_limits.is_first("sweep", seconds=SWEEP_EACH) is not False


def clear(channel: Channel, priority: Priority) -> None:
    """Delete the dedup key, before looking for messages: what is queued from now on notifies a worker again."""
    rate_limits.allow_again(_key(channel, priority))


def _key(channel: Channel, priority: Priority) -> str:
    return f"dispatch:{channel}:{int(priority)}"
