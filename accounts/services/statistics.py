"""Counts of security events by hour, for the home page of the admin."""

from accounts.models import SecurityEvent
from accounts.states import EventKind
from foodfleet.core.database import hourly_counts

SUBJECT = "event"
NEW = (EventKind.REGISTERED, EventKind.USER_CREATED, EventKind.USER_INVITED)
COUNTED = (EventKind.SIGNED_IN, EventKind.SIGN_IN_FAILED, *NEW)


def count_events() -> None:
    """Update the counts of this and past hours."""
    hourly_counts.update(SecurityEvent.objects.filter(kind__in=COUNTED), SUBJECT, "kind")


def name_of(kind: EventKind) -> str:
    """Return the name under which events of this kind are counted."""
    return f"{SUBJECT}:{kind.value}"
