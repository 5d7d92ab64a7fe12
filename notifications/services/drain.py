"""Sending what is due: one thread speaks to the database, several to the network.

The first claims messages with a lease, a few more than there are senders, hands them over one by one, and commits every
outcome as it comes. Nothing is sent inside a transaction, and what a killed process had in hand is known: the claimed
rows, which recovery.py takes back when their lease ends.
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

from notifications.models import Message
from notifications.services import admission, outcomes
from notifications.services.delivery import Gateways, Outcome, attempt
from notifications.services.quota import Quota
from notifications.states import Channel, Guarantee, Priority, Status

logger = structlog.get_logger(__name__)
T = TypeVar("T")

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
        self._ready: dict[str, list[tuple[int, int, Message]]] = {Channel.EMAIL: [], Channel.SMS: []}
        self._unwanted: dict[UUID, frozenset[str]] = {}
        self._outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self._in_flight = 0
        self._order = count()  # of two in one lane the one claimed first
        self._is_dry = False
        self._look_at = self._renew_at = self._tokens_at = 0.0
        self._pool = ThreadPoolExecutor(self.limits.senders, thread_name_prefix="sender")

    def run(self) -> Drained:
        """Send until nothing is due, or the limits are reached."""
        began = monotonic()
        self._renew_at = began + settings.DELIVERY_LEASE_SECONDS / 4
        while True:
            is_over = monotonic() - began >= self.limits.seconds
            if is_over:
                self._give_back()
            else:
                self._claim()
            self._hand_over()
            if not self._in_hand():
                break
            if self.limits.patience is not None and monotonic() - began >= self.limits.patience:
                self._leave_to_a_thread()
                return self.result
            self._collect()
        self.result.is_more = is_over
        self._pool.shutdown(wait=False)
        return self.result

    def _in_hand(self) -> int:
        return self._in_flight + sum(map(len, self._ready.values()))

    # -- Claiming
    def _claim(self) -> None:
        """Take as many as the senders will want next; codes even while the senders have their hands full."""
        wanted = 2 * self.limits.senders - self._in_hand()
        lowest = self.limits.lowest
        if wanted <= self.limits.senders // 2 and self._in_hand():  # several at once cost the database less
            wanted, lowest = self.limits.senders, Priority.CODE
        elif self._is_dry and not self._in_hand():
            self._look_at = 0
        if (wanted <= 0 or lowest == Priority.CODE or self._is_dry) and monotonic() < self._look_at:
            return
        if self.limits.most is not None:
            wanted = min(wanted, self.limits.most - self.result.claimed)
        found = self._take(lowest, wanted) if wanted > 0 else []
        self._look_at = monotonic() + LOOK_FOR_CODES
        if lowest == self.limits.lowest:
            self._is_dry = len(found) < wanted
        self.result.claimed += len(found)
        self._admit(found)

    def _take(self, lowest: Priority, limit: int) -> list[Message]:
        now = timezone.now()
        candidates = Message.objects.at_least(lowest)
        if self.limits.only:
            candidates = candidates.filter(pk__in=self.limits.only)
        return self._patiently(lambda: candidates.take(claim=self.claim, now=now, until=_lease(now), limit=limit))

    def _admit(self, found: list[Message]) -> None:
        """Sort out what must not be sent; line up the rest, codes before all else."""
        admitted = self._patiently(lambda: admission.decide(found))
        for message in admitted.messages:
            self._unwanted[message.pk] = admitted.unwanted
            heapq.heappush(self._ready[message.channel], (message.priority, next(self._order), message))
        if admitted.refused:
            self._save(admitted.refused)

    # -- Sending
    def _hand_over(self) -> None:
        """Give what is ready to idle senders, as far as the provider's rate allows."""
        chosen: list[Message] = []
        self._tokens_at = monotonic() + LONGEST_WAIT
        for channel, ready in self._ready.items():
            while ready and self._in_flight + len(chosen) < self.limits.senders:
                message = ready[0][2]
                wait = self._quota.take(Channel(channel), message.recipients, Priority(message.priority))
                if wait > 0:
                    self._tokens_at = min(self._tokens_at, monotonic() + wait)
                    break
                heapq.heappop(ready)
                chosen.append(message)
        once = [message.pk for message in chosen if message.guarantee == Guarantee.AT_MOST_ONCE]
        if once:
            self._patiently(lambda: Message.objects.hand_over(once, self.claim, timezone.now()))
        for message in chosen:
            self._in_flight += 1
            self._pool.submit(self._send, message, self._unwanted.pop(message.pk))

    def _send(self, message: Message, unwanted: frozenset[str]) -> None:
        """In a sender's thread."""
        self._outcomes.put(attempt(message, unwanted, self.gateways))

    # -- Outcomes
    def _collect(self) -> None:
        """Wait for outcomes and commit them; prolong the lease when it is time."""
        collected = list(self._arrived(self._wait_for()))
        self._in_flight -= len(collected)
        if collected:
            self._save(collected)
        if monotonic() >= self._renew_at:
            self._renew_at = monotonic() + settings.DELIVERY_LEASE_SECONDS / 4
            self._patiently(lambda: Message.objects.renew(self.claim, _lease(timezone.now())))

    def _wait_for(self) -> float:
        until = min(self._tokens_at, self._renew_at, max(self._look_at, monotonic() + 0.01))
        return max(0.001, until - monotonic())

    def _arrived(self, timeout: float) -> Iterable[Outcome]:
        try:
            yield self._outcomes.get(timeout=timeout)
            while True:
                yield self._outcomes.get_nowait()
        except Empty:
            return

    def _save(self, collected: Sequence[Outcome]) -> None:
        self._patiently(lambda: outcomes.write(collected, self.claim))
        self.result.sent += sum(outcome.status == Status.SENT for outcome in collected)

    # -- Ending
    def _give_back(self) -> None:
        """Return what was claimed and not handed over."""
        left = [entry[2].pk for ready in self._ready.values() for entry in ready]
        if left:
            self._patiently(lambda: Message.objects.put_back(self.claim, left))
            for ready in self._ready.values():
                ready.clear()

    def _leave_to_a_thread(self) -> None:
        """Let whoever waits go on; what is on its way is seen to by a thread of its own."""
        self._give_back()
        threading.Thread(target=self._finish, name="drain", daemon=False).start()

    def _finish(self) -> None:
        try:
            while self._in_flight:
                self._collect()
        finally:
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


def _lease(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)
