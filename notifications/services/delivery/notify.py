"""Whether workers were notified already: a thousand messages of a channel and priority need one task."""

from math import ceil

from foodfleet.core.cache import shared
from notifications.states import Channel, Priority

CALL_LASTS = 10  # seconds; a call that was lost with its broker keeps others back no longer
SWEEP_EACH = 5  # seconds


def may_call(channel: Channel, lane: Priority) -> bool:
    """True where no such task waits for a worker; then one is taken to wait. Always True without Redis."""
    return _is_first("wake", channel, int(lane), seconds=CALL_LASTS, otherwise=True)


def may_call_later(channel: Channel, lane: Priority, pause: float) -> bool:
    """True where no such task comes in `pause` seconds. Without Redis never: the sweep comes soon."""
    return _is_first("wake-later", channel, int(lane), seconds=ceil(pause), otherwise=False)


def may_sweep() -> bool:
    """True where nobody swept lately. Always True without Redis."""
    return _is_first("sweep", seconds=SWEEP_EACH, otherwise=True)


def answered(channel: Channel, lane: Priority) -> None:
    """A worker came. To be said before it looks for messages: what is queued from now on calls again."""
    redis = shared.reachable()
    if redis is None:
        return
    try:
        redis.delete(shared.key("wake", channel, int(lane)))
    except shared.UNREACHABLE:
        shared.lost(used_for="wakes")


def _is_first(*key: object, seconds: int, otherwise: bool) -> bool:
    """Whether nobody said so for `seconds`; `otherwise` where nobody can know."""
    redis = shared.reachable()
    if redis is None:
        return otherwise
    try:
        return bool(redis.set(shared.key(*key), 1, nx=True, ex=seconds))
    except shared.UNREACHABLE:
        shared.lost(used_for="wakes")
        return otherwise
