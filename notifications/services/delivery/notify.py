"""Dedup keys in Redis: a thousand messages of a channel and priority need one task."""

from math import ceil

from foodfleet.core.cache import shared
from notifications.states import Channel, Priority

NOTIFIED_FOR = 10  # seconds; after them a task that the broker lost is published again
SWEEP_EACH = 5  # seconds


def should_notify(channel: Channel, priority: Priority) -> bool:
    """Whether no such task waits for a worker yet; True sets the dedup key. Always True without Redis."""
    return _set_key("dispatch", channel, int(priority), seconds=NOTIFIED_FOR, default=True)


def should_notify_later(channel: Channel, priority: Priority, pause: float) -> bool:
    """Whether no such task is scheduled within `pause` seconds. Always False without Redis: the sweep comes soon."""
    return _set_key("dispatch-later", channel, int(priority), seconds=ceil(pause), default=False)


def should_sweep() -> bool:
    """Whether no sweep ran lately. Always True without Redis."""
    return _set_key("sweep", seconds=SWEEP_EACH, default=True)


def clear(channel: Channel, priority: Priority) -> None:
    """Delete the dedup key, before looking for messages: what is queued from now on notifies a worker again."""
    redis = shared.reachable()
    if redis is None:
        return
    try:
        redis.delete(shared.key("dispatch", channel, int(priority)))
    except shared.UNREACHABLE:
        shared.lost(used_for="dedup_keys")


def _set_key(*key: object, seconds: int, default: bool) -> bool:
    """Whether the key was not set yet; `default` where Redis cannot be asked."""
    redis = shared.reachable()
    if redis is None:
        return default
    try:
        return bool(redis.set(shared.key(*key), 1, nx=True, ex=seconds))
    except shared.UNREACHABLE:
        shared.lost(used_for="dedup_keys")
        return default
