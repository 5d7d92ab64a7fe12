"""What a dispatcher is given and returns, and the priority queue of the messages that it has claimed."""

import heapq
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from notifications.models import Message
from notifications.services.delivery.quota import PERMIT_LIFETIME
from notifications.states import Channel, Priority

Entry = tuple[int, int, Message]  # priority, and a number that is unique and grows with the time of claiming


@dataclass(frozen=True)
class Limits:
    """What one dispatcher sends, and how far it goes.

    lowest: the last priority that it sends. only: these messages and no others; most: at most so many.
    seconds: after them it claims no more. timeout: after so many seconds it returns unfinished.
    """

    channel: Channel
    lowest: Priority = Priority.BULK
    only: Sequence[UUID] = ()
    most: int | None = None
    seconds: float = 30
    timeout: float | None = None
    senders: int = field(default_factory=lambda: settings.DELIVERY_SENDERS)


@dataclass
class DispatchResult:
    """What a dispatcher did. is_more: it ended by its limits, and messages may still be due.

    is_unfinished: its timeout ended while messages were being sent; `finish` waits for them.
    """

    claimed: int = 0
    sent: int = 0
    is_more: bool = False
    is_unfinished: bool = False


@dataclass
class Claimed:
    """What a dispatcher knows of a message that it has claimed.

    excluded: recipients that get no copy. checked_at: when that was decided, by `monotonic`. permit_lifetime: seconds
    that a permit for it must last; longer after building the mail took longer than the last permit lasted.
    """

    excluded: frozenset[str]
    checked_at: float
    permit_lifetime: float = PERMIT_LIFETIME


class PriorityQueue:
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
        """Return the next message and leave it in the queue; None where the queue is empty."""
        return self._entries[0] if self._entries else None

    def pop(self) -> Entry:
        """Remove and return the next message."""
        return heapq.heappop(self._entries)

    def retain(self, pks: Container[UUID]) -> list[UUID]:
        """Remove every other message; return the keys of the removed ones."""
        removed = [entry[2].pk for entry in self._entries if entry[2].pk not in pks]
        if removed:
            self._entries = [entry for entry in self._entries if entry[2].pk in pks]
            heapq.heapify(self._entries)
        return removed
