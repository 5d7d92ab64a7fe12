"""Sending without a broker: in the process that queued, right after its commit."""

from collections.abc import Sequence
from time import monotonic
from uuid import UUID

from notifications.services import recovery
from notifications.services.drain import Drain, Limits

PATIENCE = 3.0  # seconds that a request waits for its mails; a slow mail server goes on in a thread
AT_ONCE = 20  # messages of one transaction; a larger number is left to `manage.py deliver_due --watch`
OTHERS = 5  # older messages that each delivery takes along, so that nothing is forgotten where nobody watches


def deliver(messages: Sequence[UUID]) -> None:
    """Send these, and a few that had to wait before."""
    began = monotonic()
    only = Limits(only=tuple(messages[:AT_ONCE]), most=min(AT_ONCE, len(messages)), patience=PATIENCE, seconds=PATIENCE)
    Drain(only).run()
    rest = PATIENCE - (monotonic() - began)
    if rest > 0 and recovery.sweep().due:
        Drain(Limits(most=OTHERS, patience=rest, seconds=rest)).run()
