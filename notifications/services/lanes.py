"""Messages in a drain's hands, in the order in which they go: codes before all else, in each lane the first to come."""

import heapq
from collections.abc import Container, Iterator
from dataclasses import dataclass
from uuid import UUID

from notifications.models import Message
from notifications.services.quota import LEAVE_LASTS
from notifications.states import Channel

Entry = tuple[int, int, Message]  # its lane, its turn in it; no two have the same turn


@dataclass
class Held:
    """What a drain knows of a message in its hands.

    unwanted: recipients that are left out. admitted_at: when that was decided, by `monotonic`. needs: seconds that a
    leave for it has to last, where it took too long to be written for the last one.
    """

    unwanted: frozenset[str]
    admitted_at: float
    needs: float = LEAVE_LASTS


class Lanes:
    """A queue for each channel."""

    def __init__(self) -> None:
        self._of: dict[str, list[Entry]] = {channel.value: [] for channel in Channel}

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))

    def __iter__(self) -> Iterator[Entry]:
        for lane in self._of.values():
            yield from lane

    def push(self, entry: Entry) -> None:
        """Line it up."""
        heapq.heappush(self._of[entry[2].channel], entry)

    def of(self, channel: str) -> list[Entry]:
        """All of a channel, the first one first."""
        return self._of[channel]

    def pop(self, channel: str) -> Entry:
        """Take the first of a channel."""
        return heapq.heappop(self._of[channel])

    def heads(self) -> list[Entry]:
        """The first of each channel that has any."""
        return [lane[0] for lane in self._of.values() if lane]

    def keep_only(self, held: Container[UUID]) -> list[UUID]:
        """Take out what is not among `held`; returns what that was."""
        lost = [entry[2].pk for entry in self if entry[2].pk not in held]
        if lost:
            for channel, lane in self._of.items():
                self._of[channel] = [entry for entry in lane if entry[2].pk in held]
                heapq.heapify(self._of[channel])
        return lost
