"""Counts of messages by hour, channel and status, for the home page of the admin."""

from datetime import timedelta

from foodfleet.core.database import hourly_counts
from notifications.models import Message
from notifications.states import Channel, Status

SUBJECT = "message"
AGAIN = timedelta(days=1)  # the status of a message changes mostly within a day


def count_messages() -> None:
    """Bring the counts up to date."""
    hourly_counts.update(Message.objects.all(), SUBJECT, "channel", "status", again=AGAIN)


def name_of(channel: Channel, status: Status) -> str:
    """Return the name under which these messages are counted."""
    return f"{SUBJECT}:{channel.value}:{status.value}"
