"""Sending what is due: one thread speaks to the database, several to the network.

The first claims messages with a lease, more than there are senders, and hands them over a few at a time: first it
notes in the row that a message is about to be sent, then it asks for leave under the provider's rate, then a sender
gets it. What came of messages is committed together with what is handed over next. Nothing is sent inside a
transaction, and what a killed process had in hand is known: rows that are claimed, which recovery.py takes back when
their lease ends, and among them those that were handed over and may have been sent.

There are more threads than turns at the network, so that some write a mail while others have the provider busy. A turn
lasts until its outcome is committed: no more than there are senders may be sent twice after a crash.
"""

import heapq
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from queue import Empty, SimpleQueue
from time import monotonic, sleep
from typing import TypeVar
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections
from django.utils import timezone

from notifications.gateways import turns
from notifications.models import Message
from notifications.services import admission, outcomes
from notifications.services.delivery import Gateways, Outcome, attempt
from notifications.services.quota import LEAVE_LASTS, Quota
from notifications.states import Channel, Priority, Status

logger = structlog.get_logger(__name__)
T = TypeVar("T")
Entry = tuple[int, int, Message]  # its lane, its turn in it
Lane = list[Entry]
Came = tuple[Outcome | Message, turns.Turn]  # a message itself: its leave grew old before it could be sent

STOCK = 4  # messages claimed for each sender
SOON = 0.05  # seconds: for so long a message may wait for leave once it is handed over
LOOK_FOR_CODES = 0.1  # seconds between two looks for codes while all senders are busy with the rest
LONGEST_WAIT = 0.25  # seconds that an outcome is waited for before something else is looked after
SAVE_FOR = 60  # seconds that outcomes are tried to be committed while the database is away


@dataclass(frozen=True)
class Limits:
    """How far one drain goes.

    lowest: the last lane that it serves, all above it before. only: these messages and no other; most: so many.
    seconds: after them it claims no more. patience: after them it returns, and a thread sees to what is on its way.
    """

    lowest: Priority = Priority.BULK
    only: Sequence[UUID] = ()
    most: int | None = None
    seconds: float = 30
    patience: float | None = None
    senders: int = field(default_factory=lambda: settings.DELIVERY_SENDERS)


@dataclass
class Drained:
    """What a drain did. is_more: it ended by its limits and not for want of messages."""

    claimed: int = 0
    sent: int = 0
    is_more: bool = False


class Drain:
    """One run over what is due."""

    def __init__(self, limits: Limits | None = None, *, gateways: Gateways | None = None) -> None:
        self.limits = limits or Limits()
        self.gateways = gateways or Gateways()
        self.claim = uuid4()
        self.result = Drained()
        self._quota = Quota()
        self._line = turns.Line(self.limits.senders)
        self._threads = _threads_for(self.limits.senders)
        self._ready: dict[str, Lane] = {Channel.EMAIL: [], Channel.SMS: []}
        self._handed_over: dict[str, Lane] = {Channel.EMAIL: [], Channel.SMS: []}  # as it says in the row
        self._unwanted: dict[UUID, frozenset[str]] = {}
        self._outcomes: SimpleQueue[Came] = SimpleQueue()
        self._turns: list[turns.Turn] = []  # of outcomes that are not committed yet
        self._in_flight = 0
        self._order = count()  # of two in one lane the one claimed first
        self._is_dry = False
        self._look_at = self._renew_at = self._leave_at = 0.0
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="sender")

    def run(self) -> Drained:
        """Send until nothing is due, or the limits are reached."""
        try:
            return self._run()
        except BaseException:
            self._line.close()
            raise

    def _run(self) -> Drained:
        began = monotonic()
        self._renew_at = began + settings.DELIVERY_LEASE_SECONDS / 4
        arrived: list[Outcome] = []
        while True:
            is_over = monotonic() - began >= self.limits.seconds
            if is_over:
                self._give_back()
            self._settle(arrived, is_over=is_over)
            self._send_what_may()
            outcomes.tidy(arrived)
            is_found = not is_over and self._stock_up()
            if not (is_found or self._in_hand()):
                break
            if self.limits.patience is not None and monotonic() - began >= self.limits.patience:
                self._leave_to_a_thread()
                return self.result
            arrived = self._collect()
        self.result.is_more = is_over
        self._pool.shutdown(wait=False)
        return self.result

    def _in_hand(self) -> int:
        return self._in_flight + self._waiting(self._handed_over) + self._waiting(self._ready)

    @staticmethod
    def _waiting(lanes: dict[str, Lane]) -> int:
        return sum(map(len, lanes.values()))

    # -- The database
    def _settle(self, arrived: Sequence[Outcome], *, is_over: bool) -> None:
        """Note what came of messages, which gives their turns to others, and what is handed over next."""
        chosen = [] if is_over else self._choose()
        if not (arrived or chosen):
            return
        self._patiently(lambda: outcomes.write(arrived, self.claim, [entry[2].pk for entry in chosen]))
        while self._turns:
            self._turns.pop().end()
        for entry in chosen:
            heapq.heappush(self._handed_over[entry[2].channel], entry)
        self.result.sent += sum(outcome.status == Status.SENT for outcome in arrived)

    def _stock_up(self) -> bool:
        """Claim more, if it is time to; whether something was found."""
        lowest, wanted = self._wanted()
        if not wanted:
            return False
        found = self._patiently(lambda: self._take(lowest, wanted))
        self._look_at = monotonic() + LOOK_FOR_CODES
        if lowest == self.limits.lowest:
            self._is_dry = len(found) < wanted
        self.result.claimed += len(found)
        if found:
            self._admit(found)
        return bool(found)

    def _take(self, lowest: Priority, wanted: int) -> list[Message]:
        now = timezone.now()
        candidates = Message.objects.at_least(lowest)
        if self.limits.only:
            candidates = candidates.filter(pk__in=self.limits.only)
        return candidates.take(claim=self.claim, now=now, until=_lease(now), limit=wanted)

    def _wanted(self) -> tuple[Priority, int]:
        """How many to claim, of which lanes: codes even while there is enough of the rest."""
        wanted, lowest = STOCK * self.limits.senders - self._in_hand(), self.limits.lowest
        is_time = monotonic() >= self._look_at or not self._in_hand()
        if wanted < 2 * self.limits.senders and self._in_hand():  # many at once cost the database less
            wanted, lowest = (self.limits.senders if is_time else 0), Priority.CODE
        elif self._is_dry and not is_time:
            wanted = 0
        if self.limits.most is not None:
            wanted = min(wanted, self.limits.most - self.result.claimed)
        return lowest, max(0, wanted)

    def _choose(self) -> list[Entry]:
        """What to hand over next: what there are threads and leave for soon, and codes in any case."""
        chosen: list[Entry] = []
        for channel, ready in self._ready.items():
            free = self._free(channel) - len(chosen)
            while ready and (free > 0 or ready[0][0] == Priority.CODE):
                chosen.append(heapq.heappop(ready))
                free -= 1
        return chosen

    def _free(self, channel: str) -> int:
        free = self._threads - self._in_flight - self._waiting(self._handed_over)
        rate = self._quota.rate(Channel(channel))
        if rate is not None:  # what waits for leave a long time is not about to be sent
            free = min(free, max(1, int(rate * SOON)) - len(self._handed_over[channel]))
        return free

    def _admit(self, found: list[Message]) -> None:
        """Sort out what must not be sent; line up the rest, codes before all else."""
        admitted = self._patiently(lambda: admission.decide(found))
        for message in admitted.messages:
            self._unwanted[message.pk] = admitted.unwanted[message.pk]
            heapq.heappush(self._ready[message.channel], (message.priority, next(self._order), message))
        if admitted.refused:
            self._patiently(lambda: outcomes.write(admitted.refused, self.claim))
            outcomes.tidy(admitted.refused)

    # -- Sending
    def _send_what_may(self) -> None:
        """Give what is handed over to idle senders, as far as the provider's rate allows."""
        self._leave_at = 0.0
        for channel, waiting in self._handed_over.items():
            is_limited = self._quota.rate(Channel(channel)) is not None
            # A leave must not grow old in a line.
            places = self.limits.senders if is_limited else self._threads
            while waiting and self._in_flight < places:
                priority, _, message = waiting[0]
                wait = self._quota.take(Channel(channel), message.recipients, Priority(priority))
                if wait > 0:
                    at = monotonic() + min(wait, LONGEST_WAIT)
                    self._leave_at = min(self._leave_at or at, at)
                    break
                self._in_flight += 1
                until = monotonic() + LEAVE_LASTS if is_limited else None
                self._pool.submit(self._send, heapq.heappop(waiting)[2], until)

    def _send(self, message: Message, until: float | None) -> None:
        """In a sender's thread."""
        came: Outcome | Message = message
        with self._line.joined(until) as turn:
            try:
                came = attempt(message, self._unwanted[message.pk], self.gateways)
            except turns.LeaveExpiredError:
                turn.end()
        self._outcomes.put((came, turn))

    # -- Outcomes
    def _collect(self) -> list[Outcome]:
        """Wait for outcomes, or for whatever else has to be done; prolong the lease when it is time."""
        collected = []
        for came, turn in self._arrived(self._wait_for()):
            self._in_flight -= 1
            if isinstance(came, Outcome):
                collected.append(came)
                self._turns.append(turn)
                del self._unwanted[came.message.pk]
            else:  # it needs another leave
                heapq.heappush(self._handed_over[came.channel], (came.priority, next(self._order), came))
        if monotonic() >= self._renew_at:
            self._renew_at = monotonic() + settings.DELIVERY_LEASE_SECONDS / 4
            self._patiently(lambda: Message.objects.renew([*self._unwanted], self.claim, _lease(timezone.now())))
        return collected

    def _wait_for(self) -> float:
        """How long at most, in seconds."""
        now = monotonic()
        until = min(self._renew_at, max(self._look_at, now + 0.01), now + LONGEST_WAIT)
        if self._leave_at:
            until = min(until, self._leave_at)
        elif any(ready and self._free(channel) > 0 for channel, ready in self._ready.items()):
            return 0.0
        return max(0.001, until - now)

    def _arrived(self, timeout: float) -> Iterable[Came]:
        try:
            yield self._outcomes.get(timeout=timeout)
            while True:
                yield self._outcomes.get_nowait()
        except Empty:
            return

    # -- Ending
    def _give_back(self) -> None:
        """Return what was claimed and not handed over."""
        lanes = [*self._ready.values(), *self._handed_over.values()]
        left = [entry[2].pk for lane in lanes for entry in lane]
        if left:
            self._patiently(lambda: Message.objects.put_back(self.claim, left))
            for lane in lanes:
                lane.clear()

    def _leave_to_a_thread(self) -> None:
        """Let whoever waits go on; what is on its way is seen to by a thread of its own."""
        self._give_back()
        threading.Thread(target=self._finish, name="drain", daemon=False).start()

    def _finish(self) -> None:
        try:
            while self._in_flight:
                arrived = self._collect()
                self._settle(arrived, is_over=True)
                outcomes.tidy(arrived)
                self._give_back()
        finally:
            self._line.close()
            self._pool.shutdown(wait=False)
            connections.close_all()

    def _patiently(self, work: Callable[[], T]) -> T:
        """Do `work`, again and again while the database is away: what was sent must be written down."""
        until = monotonic() + SAVE_FOR
        while True:
            try:
                return work()
            except (OperationalError, InterfaceError):
                if monotonic() >= until or connections["default"].in_atomic_block:
                    raise
                logger.warning("database_unreachable", in_hand=self._in_hand())
                connections["default"].close()
                sleep(0.5)


def _threads_for(senders: int) -> int:
    """A fifth more, which write the next mails meanwhile; each costs the others a part of the interpreter."""
    return senders + (senders + 4) // 5 if senders > 1 else 1


def _lease(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)
