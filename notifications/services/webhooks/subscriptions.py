"""The active endpoints that subscribe to an event, from a cache in each process that is never outdated."""

from django.conf import settings
from django.db import connection, transaction

from foodfleet.core.cache import coherent
from notifications.models import WebhookEndpoint
from notifications.states import EVERY_EVENT

KEY = "webhooks"
Subscriptions = tuple[tuple[int, frozenset[str]], ...]  # the id of each active endpoint, and its events
_cache: coherent.Cache[Subscriptions] = coherent.Cache(size=1)


def to(event: str) -> list[int]:
    """Return the ids of the active endpoints that subscribe to `event`."""
    return [pk for pk, events in _current() if events & {event, EVERY_EVENT}]


def invalidate() -> None:
    """Invalidate the subscriptions in every process, in the transaction that changes them."""
    coherent.invalidate(KEY)


def _current() -> Subscriptions:
    return _cache.get(KEY, (KEY,), _read)


def _read() -> Subscriptions:
    if settings.REDIS_URL and connection.in_atomic_block:
        # Events are recorded in transactions, and values read in a transaction are not cached.
        transaction.on_commit(_cache_after_commit, robust=True)
    return tuple((pk, frozenset(events)) for pk, events in WebhookEndpoint.objects.active().values_list("pk", "events"))


def _cache_after_commit() -> None:
    if not connection.in_atomic_block:
        _current()
