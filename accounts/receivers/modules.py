"""Record the events of higher apps (notifications and modules) as security events."""

from typing import Any

from django.dispatch import receiver

from accounts.models import User
from accounts.services import audit
from foodfleet.core.http.clients import Client
from foodfleet.modules.events import event_recorded


@receiver(event_recorded, dispatch_uid="accounts.module_event")
def record_module_event(
    kind: str, actor: User | None, client: Client, user: User | None, details: dict[str, Any], **kwargs: Any
) -> None:
    """Record an event of notifications or a module."""
    audit.record(kind=kind, user=user, actor=actor, client=client, details=details)
