"""What a drain is told, what it reports, and the queue of the messages that it has claimed."""

import heapq
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from notifications.models import Message
from notifications.services.delivery.quota import LEAVE_LASTS
from notifications.states import Channel, Priority

Entry = tuple[int, int, Message]  # its lane, its turn in it; no two have the same turn


@dataclass(frozen=True)
class Limits:
    """What one drain sends, and how far it goes.

    channel: whose messages.
    lowest: the last lane that it serves, all above it before. only: these messages and no other; most: so many.
    seconds: after them it claims no more. patience: after them it returns unfinished.
    """

    channel: Channel
    lowest: Priority = Priority.BULK
    only: Sequence[UUID] = ()
    most: int | None = None
    seconds: float = 30
    patience: float | None = None
    senders: int = field(default_factory=lambda: settings.DELIVERY_SENDERS)


@dataclass
class Drained:
    """What a drain did. is_more: it ended by its limits and not for want of messages.

    is_unfinished: its patience ended while messages were on their way; `finish` waits for them.
    """

    claimed: int = 0
    sent: int = 0
    is_more: bool = False
    is_unfinished: bool = False


@dataclass
class Held:
    """What a drain knows of a message in its hands.

    excluded: recipients that are left out. admitted_at: when that was decided, by `monotonic`. needs: seconds that a
    leave for it has to last, where it took too long to be written for the last one.
    """

    excluded: frozenset[str]
    admitted_at: float
    needs: float = LEAVE_LASTS


class Lanes:
    """A priority queue of messages of one channel."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def push(self, entry: Entry) -> None:
        """Add a message."""
        heapq.heappush(self._entries, entry)

    def first(self) -> Entry | None:
        """The next message, which stays in the queue; None where it is empty."""
        return self._entries[0] if self._entries else None

    def pop(self) -> Entry:
        """Take the next message."""
        return heapq.heappop(self._entries)

    def keep_only(self, held: Container[UUID]) -> list[UUID]:
        """Remove the messages that are not in `held`; returns their ids."""
        lost = [entry[2].pk for entry in self._entries if entry[2].pk not in held]
        if lost:
            self._entries = [entry for entry in self._entries if entry[2].pk in held]
            heapq.heapify(self._entries)
        return lost
