"""Sending what is due: one thread speaks to the database, several to the network.

A drain sends the messages of one channel, so that no channel waits for the provider of another: drains of different
channels share nothing in memory, and run in threads or processes of their own.

The database thread claims messages with a lease, more than there are senders, and hands them over a few at a time:
first it notes in the row that a message is about to be sent, then it asks for leave under the provider's rate, then a
sender gets it. What came of messages is committed together with what is handed over next. Nothing is sent inside a
transaction, and what a killed process had in hand is known: rows that are claimed, which recovery.py takes back when
their lease ends, and among them those that were handed over and may have been sent.

There are more threads than turns at the network, so that some write a mail while others have the provider busy. A turn
lasts until its outcome is committed: no more than there are senders may be sent twice after a crash.

A text is noted as about to be sent only when its sender has a turn and the next call is the provider's: most texts are
codes, which are never sent twice, so a text that is noted and was not sent would be lost when its process is killed.

A lease may run out while its drain lives (the process was paused, the database away). What another has taken meanwhile
is let go of: at the latest where it would be handed over, and no turn begins on a lease that may have ended.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from math import inf
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
from notifications.services.audience import recipient_filter
from notifications.services.delivery import outcomes
from notifications.services.delivery.attempt import Gateways, Outcome, attempt
from notifications.services.delivery.priority_queue import Drained, Entry, Held, Lanes, Limits
from notifications.services.delivery.quota import Quota
from notifications.states import Channel, Priority, Status

logger = structlog.get_logger(__name__)
T = TypeVar("T")
# What a sender's thread reports: an outcome, or the message itself where its leave grew old before it could be sent.
Came = tuple[Outcome | Message, turns.Turn]

STOCK = 4  # messages claimed for each sender
ADMITTED_FOR = 1.0  # seconds; who was suppressed since then gets nothing
LEASE_IS_SURE = 0.9  # of it: the rest is for the way to the provider
SOON = 0.05  # seconds: for so long a message may wait for leave once it is handed over
LOOK_FOR_CODES = 0.1  # seconds between two looks for codes while all senders are busy with the rest
LONGEST_WAIT = 0.25  # seconds that an outcome is waited for before something else is looked after
SAVE_FOR = 60  # seconds that outcomes are tried to be committed while the database is away


@dataclass(frozen=True)
class Question:
    """A sender asks that a message be noted as about to be sent. answer: False where it must not send it."""

    message: Message
    answer: Future[bool] = field(default_factory=Future)


class Drain:
    """One run over what is due in one channel."""

    def __init__(self, limits: Limits, *, gateways: Gateways | None = None) -> None:
        self.limits = limits
        self.gateways = gateways or Gateways()
        self.claim = uuid4()
        self.result = Drained()
        self._quota = Quota()
        self._line = turns.Line(self.limits.senders)
        self._threads = _threads_for(self.limits.senders)
        self._ready, self._handed_over = Lanes(), Lanes()  # handed over: next to be sent; mails are noted as such
        self._notes_last = limits.channel == Channel.SMS
        self._held: dict[UUID, Held] = {}
        self._outcomes: SimpleQueue[Came | Question] = SimpleQueue()
        self._questions: list[Question] = []
        self._turns: list[turns.Turn] = []  # of outcomes that are not committed yet
        self._in_flight = 0
        self._order = count()  # of two in one lane the one claimed first
        self._is_dry = False
        self._look_at = self._renew_at = self._leave_at = 0.0
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="sender")

    def run(self) -> Drained:
        """Send until nothing is due, or the limits are reached. The caller sees to `finish` if it is unfinished."""
        try:
            return self._run()
        except BaseException:
            self._line.close()
            raise

    def _run(self) -> Drained:
        began = monotonic()
        self._lease_holds_from(began)
        arrived: list[Outcome] = []
        while True:
            is_over = monotonic() - began >= self.limits.seconds
            if is_over:
                self._give_back()
            done = self._settle(arrived, is_over=is_over)
            self._send_what_may()
            outcomes.tidy(done)
            is_found = not is_over and self._stock_up()
            if not (is_found or self._in_hand()):
                break
            if self.limits.patience is not None and monotonic() - began >= self.limits.patience:
                self._give_back()
                self.result.is_unfinished = True
                return self.result
            arrived = self._collect()
        self.result.is_more = is_over
        self._pool.shutdown(wait=False)
        return self.result

    def _in_hand(self) -> int:
        return self._in_flight + len(self._handed_over) + len(self._ready)

    # -- The database
    def _settle(self, arrived: Sequence[Outcome], *, is_over: bool) -> list[Outcome]:
        """Note what came of messages, which gives their turns to others, and what is handed over next.

        Returns those outcomes that were ours to note: what another holds now is the other's.
        """
        chosen = [] if is_over else self._still_admitted(self._choose())
        questions, self._questions = self._questions, []
        to_note = [question.message.pk for question in questions]
        if not self._notes_last:
            to_note += [entry[2].pk for entry in chosen]
        if not (arrived or chosen or questions):
            return []
        written = self._patiently(lambda: outcomes.write(arrived, self.claim, to_note))
        while self._turns:
            self._turns.pop().end()
        for question in questions:
            is_noted = question.message.pk in written.handed_over
            if not is_noted:
                self._held.pop(question.message.pk, None)
            question.answer.set_result(is_noted)
        for entry in chosen:
            if self._notes_last or entry[2].pk in written.handed_over:
                self._handed_over.push(entry)
            else:
                self._held.pop(entry[2].pk, None)
        self.result.sent += sum(outcome.status == Status.SENT for outcome in arrived)
        return [outcome for outcome in arrived if outcome.message.pk in written.moved]

    def _stock_up(self) -> bool:
        """Claim more, if it is time to; whether something was found."""
        lowest, wanted = self._wanted()
        if not wanted:
            return False
        taken = self._patiently(lambda: self._take(lowest, wanted))
        found = [message for message in taken if message.pk not in self._held]  # else lost meanwhile, and taken anew
        self._look_at = monotonic() + LOOK_FOR_CODES
        if lowest == self.limits.lowest:
            self._is_dry = len(taken) < wanted
        self.result.claimed += len(found)
        if found:
            self._admit(found)
        return bool(found)

    def _take(self, lowest: Priority, wanted: int) -> list[Message]:
        now = timezone.now()
        candidates = Message.objects.all()
        if self.limits.only:
            candidates = candidates.filter(pk__in=self.limits.only)
        return candidates.take(
            channel=self.limits.channel, lowest=lowest, claim=self.claim, now=now, until=_lease(now), limit=wanted
        )

    def _wanted(self) -> tuple[Priority, int]:
        """How many to claim, of which lanes: what goes before the rest even while there is enough of that."""
        wanted, lowest = STOCK * self.limits.senders - self._in_hand(), self.limits.lowest
        is_time = monotonic() >= self._look_at or not self._in_hand()
        if wanted < 2 * self.limits.senders and self._in_hand():  # many at once cost the database less
            has_room = self._in_hand() < 2 * STOCK * self.limits.senders
            wanted, lowest = (self.limits.senders if is_time and has_room else 0), self._above_what_waits()
        elif self._is_dry and not is_time:
            wanted = 0
        if self.limits.most is not None:
            wanted = min(wanted, self.limits.most - self.result.claimed)
        return lowest, max(0, wanted)

    def _above_what_waits(self) -> Priority:
        """The lanes that go before the last of what is in stock."""
        last = max((entry[0] for entry in self._ready), default=Priority.CODE)
        return min(self.limits.lowest, Priority.TRANSACTIONAL if last == Priority.BULK else Priority.CODE)

    def _choose(self) -> list[Entry]:
        """What to hand over next: what there are threads and leave for soon."""
        chosen: list[Entry] = []
        while self._has_place(chosen):
            chosen.append(self._ready.pop())
        return chosen

    def _has_place(self, chosen: Sequence[Entry] = ()) -> bool:
        """Whether the first of what is ready may be handed over beside those chosen."""
        entry = self._ready.first()
        if entry is None:
            return False
        waiting = [*self._handed_over, *chosen]
        if entry[0] == Priority.CODE and sum(other[0] == Priority.CODE for other in waiting) < self.limits.senders:
            return True  # others may have all the threads: it gets the next
        if self._in_flight + len(waiting) >= self._threads:
            return False
        rate = self._quota.rate(self.limits.channel)
        return rate is None or len(waiting) < max(1, int(rate * SOON))  # the rest is not about to be sent

    def _admit(self, found: list[Message]) -> None:
        """Sort out what must not be sent; line up the rest, codes before all else."""
        for message in self._admitted(found):
            self._ready.push((message.priority, next(self._order), message))

    def _still_admitted(self, chosen: list[Entry]) -> list[Entry]:
        """Without what its recipients declined, and what grew too old, while it waited here."""
        before = monotonic() - ADMITTED_FOR
        old = [entry[2] for entry in chosen if self._held[entry[2].pk].admitted_at < before]
        if not old:
            return chosen
        out = {message.pk for message in old} - {message.pk for message in self._admitted(old)}
        return [entry for entry in chosen if entry[2].pk not in out]

    def _admitted(self, messages: list[Message]) -> list[Message]:
        """Those of them that may be sent; what is refused is noted, and in our hands no more."""
        admitted = self._patiently(lambda: recipient_filter.apply(messages))
        for message in admitted.messages:
            self._held[message.pk] = Held(admitted.excluded[message.pk], monotonic())
        if admitted.refused:
            written = self._patiently(lambda: outcomes.write(admitted.refused, self.claim))
            outcomes.tidy([outcome for outcome in admitted.refused if outcome.message.pk in written.moved])
            for outcome in admitted.refused:
                self._held.pop(outcome.message.pk, None)
        return admitted.messages

    def _renew(self) -> None:
        """Prolong the lease of what is in hand; let go of what another has taken."""
        now = monotonic()
        held = self._patiently(lambda: Message.objects.renew([*self._held], self.claim, _lease(timezone.now())))
        self._lease_holds_from(now)
        for pk in (*self._ready.keep_only(held), *self._handed_over.keep_only(held)):
            self._held.pop(pk, None)

    def _lease_holds_from(self, now: float) -> None:
        """now: by `monotonic`, when it was asked for."""
        self._renew_at = now + settings.DELIVERY_LEASE_SECONDS / 4
        self._line.lease_ends = now + settings.DELIVERY_LEASE_SECONDS * LEASE_IS_SURE

    # -- Sending
    def _send_what_may(self) -> None:
        """Give what is handed over to idle senders, as far as the provider's rate allows."""
        self._leave_at = 0.0
        if not self._handed_over:
            return
        channel = self.limits.channel
        is_limited = self._quota.rate(channel) is not None
        # A leave must not grow old in a line.
        places = self.limits.senders if is_limited else self._threads
        while (entry := self._handed_over.first()) and self._in_flight < places:
            priority, _, message = entry
            wait = self._patiently(partial(self._quota.take, channel, message.recipients, Priority(priority)))
            if wait > 0:
                self._leave_at = monotonic() + min(wait, LONGEST_WAIT)
                break
            self._in_flight += 1
            held, began = self._held[message.pk], monotonic()
            until = began + held.needs if is_limited else inf
            if message.expires_at is not None:
                until = min(until, began + (message.expires_at - timezone.now()).total_seconds())
            self._pool.submit(self._send, self._handed_over.pop()[2], held, began, until)

    def _send(self, message: Message, held: Held, began: float, until: float) -> None:
        """In a sender's thread. began: when leave was given; until: when it ends (both by `monotonic`)."""
        came: Outcome | Message = message
        note = partial(self._is_noted, message) if self._notes_last else None
        with self._line.joined(until, note) as turn:
            try:
                came = attempt(message, held.excluded, self.gateways)
            except turns.LeaveExpiredError:
                turn.end()
                # A large mail takes longer to be written than a leave lasts, each time: the next lasts longer.
                held.needs = max(held.needs, 2 * (monotonic() - began))
        self._outcomes.put((came, turn))

    def _is_noted(self, message: Message) -> bool:
        """Have the database thread note that `message` is about to be sent; False where it is no longer ours."""
        question = Question(message)
        self._outcomes.put(question)
        try:
            return question.answer.result(settings.DELIVERY_LEASE_SECONDS)
        except TimeoutError:  # the database is away, or the drain has failed
            return False

    # -- Outcomes
    def _collect(self) -> list[Outcome]:
        """Wait for outcomes, or for whatever else has to be done; prolong the lease when it is time."""
        collected = []
        for arrived in self._arrived(self._wait_for()):
            if isinstance(arrived, Question):
                self._questions.append(arrived)
                continue
            came, turn = arrived
            self._in_flight -= 1
            if isinstance(came, Outcome):
                collected.append(came)
                self._turns.append(turn)
                self._held.pop(came.message.pk, None)
            elif came.pk in self._held:  # it needs another leave
                self._handed_over.push((came.priority, next(self._order), came))
        if monotonic() >= self._renew_at:
            self._renew()
        return collected

    def _wait_for(self) -> float:
        """How long at most, in seconds."""
        now = monotonic()
        until = min(self._renew_at, max(self._look_at, now + 0.01), now + LONGEST_WAIT)
        if self._leave_at:
            until = min(until, self._leave_at)
        elif self._has_place():
            return 0.0
        return max(0.001, until - now)

    def _arrived(self, timeout: float) -> Iterable[Came | Question]:
        try:
            yield self._outcomes.get(timeout=timeout)
            while True:
                yield self._outcomes.get_nowait()
        except Empty:
            return

    # -- Ending
    def _give_back(self) -> None:
        """Return what was claimed and not handed over."""
        left = [entry[2].pk for entry in (*self._ready, *self._handed_over)]
        if left:
            self._patiently(lambda: Message.objects.put_back(self.claim, left))
            self._ready, self._handed_over = Lanes(), Lanes()
            for pk in left:
                self._held.pop(pk, None)

    def finish(self) -> None:
        """Wait for what is on its way when `run` ended unfinished, and note its outcomes."""
        try:
            while self._in_flight:
                arrived = self._collect()
                outcomes.tidy(self._settle(arrived, is_over=True))
                self._give_back()
        finally:
            self._line.close()
            self._pool.shutdown(wait=False)

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
