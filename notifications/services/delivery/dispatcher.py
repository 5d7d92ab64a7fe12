"""Sends what is due: one thread talks to the database, several talk to the provider.

A dispatcher sends the messages of one channel. Dispatchers of different channels share no memory and run in threads or
processes of their own, so that no channel waits for the provider of another.

The database thread claims messages with a lease, more than there are senders. For each it records in the row that
sending starts, acquires a permit of the rate limiter, and gives it to a sender thread. Outcomes are committed together
with what starts next. Nothing is sent inside a transaction. After a crash the rows tell what happened: sweep.py
reclaims messages whose lease has ended, and those with `send_started_at` may have been sent.

There are more threads than slots, so that some build a mail while others wait for the provider. A slot is released
when the outcome is committed: after a crash at most as many messages as there are senders may be sent twice.

For an SMS the start is recorded only when its sender has a slot and the next call is the provider's. Most SMS are
codes, which are never sent twice: one that was recorded but not sent would be lost when the process is killed.

A lease may end while its dispatcher runs (the process was paused, or the database unreachable). Messages that another
dispatcher has claimed since are dropped before sending starts, and no slot is acquired after the lease may have ended.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
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

from notifications.gateways import slots
from notifications.models import Message
from notifications.services.audience import recipient_filter
from notifications.services.delivery import outcomes
from notifications.services.delivery.attempt import Gateways, Outcome, attempt
from notifications.services.delivery.priority_queue import Claimed, DispatchResult, Entry, Limits, PriorityQueue
from notifications.services.delivery.quota import Quota
from notifications.services.webhooks import health
from notifications.states import Channel, Priority, Status

logger = structlog.get_logger(__name__)
T = TypeVar("T")
# What a sender thread reports: an outcome, or the message itself if its permit expired before it was sent.
Report = tuple[Outcome | Message, slots.Slot]

CLAIMED_PER_SENDER = 4
RECIPIENTS_CHECKED_FOR = 1.0  # seconds after which a claimed message is checked again for suppressed recipients
LEASE_SHARE = 0.9  # the part of a lease in which sending may start; the rest is for the call of the provider
LONGEST_PERMIT_WAIT = 0.05  # seconds that a message waits for a permit once its start is recorded
CHECK_FOR_CODES = 0.1  # seconds between two queries for codes while all senders are busy with other messages
LONGEST_WAIT = 0.25  # seconds that the database thread waits for outcomes
RETRY_FOR = 60  # seconds that a commit is retried while the database is unreachable


@dataclass(frozen=True)
class StartRequest:
    """A sender thread's request to record that it is about to send. may_send: the answer."""

    message: Message
    may_send: Future[bool] = field(default_factory=Future)


class Dispatcher:
    """Sends what is due in one channel."""

    def __init__(self, limits: Limits, *, gateways: Gateways | None = None) -> None:
        self.limits = limits
        self.gateways = gateways or Gateways()
        self.claim = uuid4()
        self.result = DispatchResult()
        self._quota = Quota()
        self._slots = slots.SlotSemaphore(self.limits.senders)
        self._threads = _threads_for(self.limits.senders)
        self._ready, self._started = PriorityQueue(), PriorityQueue()  # started: except for SMS, the start is recorded
        self._sender_records_start = limits.channel == Channel.SMS
        self._claimed: dict[UUID, Claimed] = {}
        self._reports: SimpleQueue[Report | StartRequest] = SimpleQueue()
        self._start_requests: list[StartRequest] = []
        self._acquired: list[slots.Slot] = []  # of outcomes that are not committed yet
        self._in_flight = 0
        self._numbers = count()  # of equal priority the first claimed goes first
        self._is_empty = False
        self._claim_at = self._renew_at = self._permit_at = 0.0
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="sender")

    def run(self) -> DispatchResult:
        """Send until nothing is due or the limits are reached. The caller must call `finish` if it is unfinished."""
        try:
            return self._run()
        except BaseException:
            self._slots.close()
            raise

    def _run(self) -> DispatchResult:
        began = monotonic()
        self._set_lease_end(began)
        arrived: list[Outcome] = []
        while True:
            is_over = monotonic() - began >= self.limits.seconds
            if is_over:
                self._release()
            done = self._commit(arrived, is_over=is_over)
            self._submit()
            outcomes.clean_up(done)
            is_found = not is_over and self._claim_more()
            if not (is_found or self._count_unfinished()):
                break
            if self.limits.timeout is not None and monotonic() - began >= self.limits.timeout:
                self._release()
                self.result.is_unfinished = True
                return self.result
            arrived = self._collect()
        self.result.is_more = is_over
        self._pool.shutdown(wait=False)
        return self.result

    def _count_unfinished(self) -> int:
        return self._in_flight + len(self._started) + len(self._ready)

    # -- The database
    def _commit(self, arrived: Sequence[Outcome], *, is_over: bool) -> list[Outcome]:
        """Commit outcomes, which releases their slots, and record what starts next.

        Returns the outcomes of messages that were still claimed.
        """
        chosen = [] if is_over else self._recheck(self._next_to_start())
        requests, self._start_requests = self._start_requests, []
        starting = [request.message for request in requests]
        if not self._sender_records_start:
            starting += [entry.message for entry in chosen]
        if not (arrived or chosen or requests):
            return []
        committed = self._retrying(lambda: outcomes.commit(arrived, self.claim, starting))
        while self._acquired:
            self._acquired.pop().release()
        for request in requests:
            is_started = request.message.pk in committed.started
            if not is_started:
                self._claimed.pop(request.message.pk, None)
            request.may_send.set_result(is_started)
        for entry in chosen:
            if self._sender_records_start or entry.message.pk in committed.started:
                self._started.push(entry)
            else:
                self._claimed.pop(entry.message.pk, None)
        self.result.sent += sum(outcome.status == Status.SENT for outcome in arrived)
        return [outcome for outcome in arrived if outcome.message.pk in committed.finished]

    def _claim_more(self) -> bool:
        """Claim more messages if it is time to. Returns whether any were found."""
        lowest, limit = self._claim_size()
        if not limit:
            return False
        batch = self._retrying(lambda: self._claim(lowest, limit))
        found = [message for message in batch if message.pk not in self._claimed]  # else its lease was lost meanwhile
        self._claim_at = monotonic() + CHECK_FOR_CODES
        if lowest == self.limits.lowest:
            self._is_empty = len(batch) < limit
        self.result.claimed += len(found)
        if found:
            self._enqueue(found)
        return bool(found)

    def _claim(self, lowest: Priority, limit: int) -> list[Message]:
        now = timezone.now()
        candidates = Message.objects.all()
        if self.limits.only:
            candidates = candidates.filter(pk__in=self.limits.only)
        return candidates.claim_due(
            channel=self.limits.channel, lowest=lowest, claim=self.claim, now=now, until=_lease(now), limit=limit
        )

    def _claim_size(self) -> tuple[Priority, int]:
        """Return the lowest priority to claim, and how many messages.

        Even while enough messages are claimed, those of higher priorities are claimed.
        """
        unfinished = self._count_unfinished()
        limit, lowest = CLAIMED_PER_SENDER * self.limits.senders - unfinished, self.limits.lowest
        is_time = monotonic() >= self._claim_at or not unfinished
        if limit < 2 * self.limits.senders and unfinished:  # few large claims cost the database less than many small
            has_room = unfinished < 2 * CLAIMED_PER_SENDER * self.limits.senders
            limit, lowest = (self.limits.senders if is_time and has_room else 0), self._higher_than_ready()
        elif self._is_empty and not is_time:
            limit = 0
        if self.limits.most is not None:
            limit = min(limit, self.limits.most - self.result.claimed)
        return lowest, max(0, limit)

    def _higher_than_ready(self) -> Priority:
        """Return the lowest of the priorities above those that are ready."""
        last = max((entry.priority for entry in self._ready), default=Priority.CODE)
        return min(self.limits.lowest, Priority.TRANSACTIONAL if last == Priority.BULK else Priority.CODE)

    def _next_to_start(self) -> list[Entry]:
        """Return the messages to start next: as many as there are threads for, and permits soon."""
        chosen: list[Entry] = []
        while self._can_start_next(chosen):
            chosen.append(self._ready.pop())
        return chosen

    def _can_start_next(self, chosen: Sequence[Entry] = ()) -> bool:
        """Return whether the first ready message can start in addition to `chosen`."""
        entry = self._ready.first()
        if entry is None:
            return False
        waiting = [*self._started, *chosen]
        codes = sum(other.priority == Priority.CODE for other in waiting)
        if entry.priority == Priority.CODE and codes < self.limits.senders:
            return True  # it gets the next thread
        if self._in_flight + len(waiting) >= self._threads:
            return False
        rate = self._quota.rate(self.limits.channel)
        return rate is None or len(waiting) < max(1, int(rate * LONGEST_PERMIT_WAIT))

    def _enqueue(self, found: list[Message]) -> None:
        """Put the messages that may be sent into the queue."""
        for message in self._check_recipients(found):
            self._ready.push(Entry(message.priority, next(self._numbers), message))

    def _recheck(self, chosen: list[Entry]) -> list[Entry]:
        """Check the recipients again where the last check is too old; return the messages that may still be sent."""
        before = monotonic() - RECIPIENTS_CHECKED_FOR
        old = [entry.message for entry in chosen if self._claimed[entry.message.pk].checked_at < before]
        if not old:
            return chosen
        out = {message.pk for message in old} - {message.pk for message in self._check_recipients(old)}
        return [entry for entry in chosen if entry.message.pk not in out]

    def _check_recipients(self, messages: list[Message]) -> list[Message]:
        """Return the messages that may be sent; commit the outcomes of the refused ones."""
        check = health.apply if self.limits.channel == Channel.WEBHOOK else recipient_filter.apply
        filtered = self._retrying(lambda: check(messages))
        for message in filtered.messages:
            self._claimed[message.pk] = Claimed(message, filtered.excluded[message.pk], monotonic())
        if filtered.refused:
            committed = self._retrying(lambda: outcomes.commit(filtered.refused, self.claim))
            outcomes.clean_up([outcome for outcome in filtered.refused if outcome.message.pk in committed.finished])
            for outcome in filtered.refused:
                self._claimed.pop(outcome.message.pk, None)
        return filtered.messages

    def _renew(self) -> None:
        """Extend the leases; drop messages that another dispatcher has claimed."""
        now = monotonic()
        messages = [claimed.message for claimed in self._claimed.values()]
        still = self._retrying(lambda: Message.objects.renew_leases(messages, self.claim, _lease(timezone.now())))
        self._set_lease_end(now)
        for pk in (*self._ready.retain(still), *self._started.retain(still)):
            self._claimed.pop(pk, None)

    def _set_lease_end(self, start: float) -> None:
        """Compute when leases must be renewed and until when sending may start. start: `monotonic` before the query."""
        self._renew_at = start + settings.DELIVERY_LEASE_SECONDS / 4
        self._slots.lease_ends = start + settings.DELIVERY_LEASE_SECONDS * LEASE_SHARE

    # -- Sending
    def _submit(self) -> None:
        """Give started messages to idle threads, within the provider's rate."""
        self._permit_at = 0.0
        if not self._started:
            return
        channel = self.limits.channel
        is_limited = self._quota.rate(channel) is not None
        # With a rate limit, no more than there are slots: a permit must not expire while its thread waits for a slot.
        places = self.limits.senders if is_limited else self._threads
        while (entry := self._started.first()) and self._in_flight < places:
            priority, _, message = entry
            wait = self._retrying(partial(self._quota.acquire, channel, message.recipients, Priority(priority)))
            if wait > 0:
                self._permit_at = monotonic() + min(wait, LONGEST_WAIT)
                break
            self._in_flight += 1
            claimed, began = self._claimed[message.pk], monotonic()
            until = began + claimed.permit_lifetime if is_limited else inf
            if message.expires_at is not None:
                until = min(until, began + (message.expires_at - timezone.now()).total_seconds())
            self._pool.submit(copy_context().run, self._send, self._started.pop().message, claimed, began, until)

    def _send(self, message: Message, claimed: Claimed, began: float, until: float) -> None:
        """Send one message, in a sender thread. began, until: start and end of its permit, by `monotonic`."""
        structlog.contextvars.bind_contextvars(request_id=message.request_id)  # in this message's copy of the context
        result: Outcome | Message = message
        confirm = partial(self._may_send, message) if self._sender_records_start else None
        with self._slots.slot(until, confirm) as slot:
            try:
                result = attempt(message, claimed.excluded, self.gateways)
            except slots.PermitExpiredError:
                slot.release()
                # Building this e-mail takes longer than a permit is valid, so its next permit is valid for longer.
                claimed.permit_lifetime = max(claimed.permit_lifetime, 2 * (monotonic() - began))
        self._reports.put((result, slot))

    def _may_send(self, message: Message) -> bool:
        """Have the database thread record that sending starts; False if the message is no longer claimed."""
        request = StartRequest(message)
        self._reports.put(request)
        try:
            return request.may_send.result(settings.DELIVERY_LEASE_SECONDS)
        except TimeoutError:  # the database is unreachable, or the dispatcher has failed
            return False

    # -- Outcomes
    def _collect(self) -> list[Outcome]:
        """Wait until there are outcomes or other work is due, and return the outcomes. Extends the leases in time."""
        collected = []
        for arrived in self._arrived(self._wait_for()):
            if isinstance(arrived, StartRequest):
                self._start_requests.append(arrived)
                continue
            result, slot = arrived
            self._in_flight -= 1
            if isinstance(result, Outcome):
                collected.append(result)
                self._acquired.append(slot)
                self._claimed.pop(result.message.pk, None)
            elif result.pk in self._claimed:  # it needs another permit
                self._started.push(Entry(result.priority, next(self._numbers), result))
        if monotonic() >= self._renew_at:
            self._renew()
        return collected

    def _wait_for(self) -> float:
        """Return the maximum seconds to wait for reports."""
        now = monotonic()
        until = min(self._renew_at, max(self._claim_at, now + 0.01), now + LONGEST_WAIT)
        if self._permit_at:
            until = min(until, self._permit_at)
        elif self._can_start_next():
            return 0.0
        return max(0.001, until - now)

    def _arrived(self, timeout: float) -> Iterable[Report | StartRequest]:
        try:
            yield self._reports.get(timeout=timeout)
            while True:
                yield self._reports.get_nowait()
        except Empty:
            return

    # -- Ending
    def _release(self) -> None:
        """Return claimed messages that are not being sent to the queue."""
        left = [entry.message for entry in (*self._ready, *self._started)]
        if left:
            self._retrying(lambda: Message.objects.release(left, self.claim))
            self._ready, self._started = PriorityQueue(), PriorityQueue()
            for message in left:
                self._claimed.pop(message.pk, None)

    def finish(self) -> None:
        """Wait for the messages that were being sent when `run` ended unfinished, and commit their outcomes."""
        try:
            while self._in_flight:
                arrived = self._collect()
                outcomes.clean_up(self._commit(arrived, is_over=True))
                self._release()
        finally:
            self._slots.close()
            self._pool.shutdown(wait=False)

    def _retrying(self, work: Callable[[], T]) -> T:
        """Call `work`, and retry while the database is unreachable: outcomes must be saved."""
        until = monotonic() + RETRY_FOR
        while True:
            try:
                return work()
            except (OperationalError, InterfaceError):
                if monotonic() >= until or connections["default"].in_atomic_block:
                    raise
                logger.warning("database_unreachable", unfinished=self._count_unfinished())
                connections["default"].close()
                sleep(0.5)


def _threads_for(senders: int) -> int:
    """Return the number of threads: a fifth more than senders, which build the next e-mails meanwhile.

    More of them would only compete for the interpreter lock.
    """
    return senders + (senders + 4) // 5 if senders > 1 else 1


def _lease(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.DELIVERY_LEASE_SECONDS)
