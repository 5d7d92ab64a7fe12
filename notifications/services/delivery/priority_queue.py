"""The limits and the result of a dispatcher, and the priority queue of the messages that it has claimed."""

import heapq
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from notifications.models import Message
from notifications.services.delivery.quota import PERMIT_LIFETIME
from notifications.states import Channel, Priority


class Entry(NamedTuple):
    """A message in a priority queue. number: unique, and grows with the time of claiming."""

    priority: int
    number: int
    message: Message


@dataclass(frozen=True)
class Limits:
    """What one dispatcher sends, and when it ends.

    lowest: the lowest priority that it sends. only: the messages to send, empty for any; most: the maximum number.
    seconds: the time for which it claims messages. timeout: the time after which it returns unfinished.
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
    """The result of a dispatcher. is_more: it reached its limits, and messages may still be due.

    is_unfinished: it reached its timeout while messages were being sent; `finish` waits for them.
    """

    claimed: int = 0
    sent: int = 0
    is_more: bool = False
    is_unfinished: bool = False


@dataclass
class Claimed:
    """A claimed message and its state.

    excluded: recipients who get no copy. checked_at: when they were found, by `monotonic`. permit_lifetime: seconds for
    which a permit must be valid. It grows if building the e-mail took longer than the last permit was valid.
    """

    message: Message
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
        """Return the next message without removing it; None if the queue is empty."""
        return self._entries[0] if self._entries else None

    def pop(self) -> Entry:
        """Remove and return the next message."""
        return heapq.heappop(self._entries)

    def retain(self, pks: Container[UUID]) -> list[UUID]:
        """Remove all messages but these; return the keys of the removed ones."""
        removed = [entry.message.pk for entry in self._entries if entry.message.pk not in pks]
        if removed:
            self._entries = [entry for entry in self._entries if entry.message.pk in pks]
            heapq.heapify(self._entries)
        return removed
