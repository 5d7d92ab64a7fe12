"""Whether a worker has been called to a lane already: a thousand messages need one call, not a thousand."""

from foodfleet.core import shared_cache
from notifications.states import Priority

CALL_LASTS = 10  # seconds; a call that was lost with its broker keeps others back no longer


def may_call(lane: Priority) -> bool:
    """True where no call for this lane waits for a worker; then one is taken to wait. Always True without Redis."""
    redis = shared_cache.client()
    if redis is None:
        return True
    try:
        return bool(redis.set(shared_cache.key("wake", int(lane)), 1, nx=True, ex=CALL_LASTS))
    except shared_cache.UNREACHABLE:
        return True


def answered(lane: Priority) -> None:
    """A worker came. To be said before it looks for messages: what is queued from now on calls again."""
    redis = shared_cache.client()
    if redis is None:
        return
    try:
        redis.delete(shared_cache.key("wake", int(lane)))
    except shared_cache.UNREACHABLE:
        return
