"""Events of modules and of notifications. Receivers of `event_recorded` record them as security events."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.dispatch import Signal
from django.utils.functional import Promise

from foodfleet.core.http.clients import Client
from foodfleet.modules import registry

# Something happened in an app above accounts. kind: str, actor (a user, or None for the system), client: Client, user
# (whom it concerns, or None), details: dict. Sent inside the transaction of the change.
event_recorded = Signal()


def kinds() -> list[tuple[str, str | Promise]]:
    """Return the kinds that modules declare in ModuleConfig.events, with their wording."""
    return [event for module in registry.installed() for event in module.events.items()]


def webhook_name(kind: str) -> str:
    """Return the name of a kind in webhooks: `truck.created` for `truck_created`."""
    subject, _, verb = kind.rpartition("_")
    return f"{subject}.{verb}" if subject else f"module.{verb}"


def webhook_events() -> list[tuple[str, str | Promise]]:
    """Return the events of modules that a webhook endpoint may subscribe to, with their wording."""
    return [(webhook_name(kind), wording) for kind, wording in kinds()]


def record(
    *, kind: str, actor: Any, client: Client, user: Any = None, details: Mapping[str, Any] | None = None
) -> None:
    """Record an event, in the transaction of the change. Raises ImproperlyConfigured for an undeclared kind."""
    if kind not in dict(kinds()):
        raise ImproperlyConfigured(f"Declare the event {kind} in `events` of the module's ModuleConfig.")
    event_recorded.send(sender=None, kind=kind, actor=actor, client=client, user=user, details=dict(details or {}))
