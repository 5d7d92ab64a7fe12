"""Queries of messages, by name. The moves between states are made here and nowhere else, all by `states.sources`."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.db.models import F

from notifications.querysets import settling
from notifications.querysets.lists import ListedMessages
from notifications.querysets.planning import along_indexes
from notifications.states import Channel, Priority, Status, sources

PLAIN = (str, int, bool)  # types that databases take as they are
# What becomes of a lease that ends.
NOBODY: dict[str, None] = {"claim": None, "leased_until": None, "handed_over_at": None}


@cache
def _insert_into(table: str, database: str, *columns: str) -> str:
    quote = connections[database].ops.quote_name
    names, gaps = ", ".join(map(quote, columns)), ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {quote(table)} ({names}) VALUES ({gaps})"  # noqa: S608  names, all ours


class MessageQuerySet(ListedMessages):
    """Messages."""

    def add(self, message: Any) -> None:
        """Insert a new row, as `message.save(force_insert=True)` does, but for signals, which nobody hears of messages.

        Django puts the statement of its 32 columns together again each time, for a third of all that queueing costs.
        """
        connection, meta = connections[self.db], self.model._meta
        values = {}
        for field in meta.concrete_fields:
            value = getattr(message, field.attname)
            if value is not None:  # what is left out is NULL
                is_plain = type(value) in PLAIN
                values[str(field.column)] = value if is_plain else field.get_db_prep_save(value, connection)
        with transaction.mark_for_rollback_on_error(self.db), connection.cursor() as cursor:
            cursor.execute(_insert_into(meta.db_table, self.db, *values), list(values.values()))
        message._state.adding, message._state.db = False, self.db

    def along_indexes(self) -> AbstractContextManager[None]:
        """A transaction for looking for what waits; see querysets/planning.py."""
        return along_indexes(self.db)

    def made_with(self, sender: Any, idempotency_key: str) -> "MessageQuerySet":
        """What this sender's key has made."""
        return self.filter(sender=sender, idempotency_key=idempotency_key)

    def forget_recipient(self, user: Any, now: datetime) -> None:
        """Call back what waits for `user`, and empty what was sent to them of what tells whom and what."""
        sent_to = self.filter(user=user)
        sent_to.filter(status__in=sources(Status.CANCELLED)).update(status=Status.CANCELLED)
        sent_to.update(to=[], cc=[], bcc=[], subject="", payload="", last_error="", reduced_at=now)
        events = self.model.events.rel.related_model._default_manager.using(self.db)
        events.filter(message__in=sent_to).exclude(details={}).update(details={})
        files = self.model.attachments.rel.related_model._default_manager.using(self.db)
        files.filter(message__in=sent_to).update(filename="")

    def queued(self, channel: Channel, priority: Priority) -> "MessageQuerySet":
        """What waits in one channel with one priority, the earliest first."""
        return self.filter(status=Status.QUEUED, channel=channel, priority=priority).order_by("due_at")

    def waiting(self) -> "MessageQuerySet":
        """Written, and in nobody's hands."""
        return self.filter(status=Status.QUEUED)

    def too_late(self, now: datetime) -> "MessageQuerySet":
        """Queued, and their life is over."""
        return self.filter(status=Status.QUEUED, expires_at__lte=now)

    def abandoned(self, now: datetime) -> "MessageQuerySet":
        """Held by a sender that has given no sign of life until its lease ran out."""
        return self.filter(status=Status.SENDING, leased_until__lte=now)

    def dead_letters(self) -> "MessageQuerySet":
        """Failed, with their content kept, the newest first: these can be sent again."""
        return self.filter(status=Status.FAILED).exclude(payload="").order_by("-created_at", "-id")

    def retriable(self, now: datetime) -> "MessageQuerySet":
        """Dead letters whose life is not over."""
        return self.dead_letters().exclude(expires_at__lte=now)

    def held_by(self, claim: UUID) -> "MessageQuerySet":
        """In the hands of one drain."""
        return self.filter(status=Status.SENDING, claim=claim)

    def take(
        self,
        *,
        channel: Channel,
        claim: UUID,
        now: datetime,
        until: datetime,
        limit: int,
        lowest: Priority = Priority.BULK,
    ) -> list[Any]:
        """Claim up to `limit` due messages of a channel, the higher priorities first; no two callers get the same one.

        Each priority is asked for by itself: in one query, every message that is scheduled for later would be read.
        On PostgreSQL each skips the rows that the other has locked; on SQLite the transaction has the write lock from
        its beginning. The lease is committed on return.
        """
        with self.along_indexes():
            found: list[Any] = []
            for priority in (priority for priority in Priority if priority <= lowest and len(found) < limit):
                due = self.queued(channel, priority).filter(due_at__lte=now).select_for_update(skip_locked=True)
                found += due[: limit - len(found)]
            if found:
                taken = self.model._default_manager.using(self.db).filter(pk__in=[message.pk for message in found])
                taken.filter(status__in=sources(Status.SENDING)).update(
                    status=Status.SENDING, attempts=F("attempts") + 1, claim=claim, leased_until=until
                )
        for message in found:
            message.status, message.claim, message.leased_until = Status.SENDING, claim, until
            message.attempts += 1
        return found

    def hand_over(self, pks: Sequence[UUID], claim: UUID, now: datetime) -> set[UUID]:
        """Note, before the network is asked, that these are about to be sent; returns which of them are still held."""
        if pks:
            self.held_by(claim).filter(pk__in=pks).update(handed_over_at=now)
        return set(self.held_by(claim).filter(pk__in=pks).values_list("pk", flat=True)) if pks else set()

    def settle(
        self, *, sent: Mapping[UUID, str], handing_over: Sequence[UUID], claim: UUID, now: datetime
    ) -> tuple[set[UUID], set[UUID]] | None:
        """Note what a drain has sent, each with the provider's id, and what it hands over next, in one statement.

        Returns which of those sent were still in its hands, and are done with (moved, and told in their timelines), and
        which of the next are. None, and nothing was done, where the database has no such statement.
        """
        if connections[self.db].vendor != "postgresql":
            return None
        return settling.settle(self.model, self.db, sent=sent, handing_over=handing_over, claim=claim, now=now)

    def renew(self, pks: Sequence[UUID], claim: UUID, until: datetime) -> set[UUID]:
        """Prolong the lease of those of these messages that a drain holds; returns which those are."""
        with self.along_indexes():
            held = self.held_by(claim).filter(pk__in=pks)
            held.update(leased_until=until)
            return set(held.values_list("pk", flat=True))

    def put_back(self, claim: UUID, pks: Sequence[UUID]) -> int:
        """Return what was claimed and not sent to the queue, as if it had not been touched."""
        untouched = self.held_by(claim).filter(pk__in=pks)
        return untouched.update(status=Status.QUEUED, attempts=F("attempts") - 1, **NOBODY)

    def finish(self, pk: UUID, claim: UUID, target: Status, **fields: Any) -> bool:
        """Move one message out of the hands of a drain; False where it is no longer in them."""
        held = self.held_by(claim).filter(pk=pk, status__in=sources(target))
        return held.update(status=target, **NOBODY, **fields) == 1

    def take_away(self, pk: UUID, now: datetime, target: Status, **fields: Any) -> bool:
        """Move one abandoned message; False where its sender spoke up or somebody else was faster."""
        abandoned = self.abandoned(now).filter(pk=pk, status__in=sources(target))
        return abandoned.update(status=target, **NOBODY, **fields) == 1

    def report_late(self, pk: UUID, **fields: Any) -> bool:
        """A sender that had been given up for dead says that it sent: nobody needs to send it again."""
        waiting = self.filter(pk=pk, status__in=(Status.QUEUED, Status.FAILED), is_uncertain=True)
        return waiting.filter(status__in=sources(Status.SENT)).update(status=Status.SENT, **fields) == 1

    def move_all(self, pks: Sequence[UUID], target: Status, **fields: Any) -> list[Any]:
        """Move those of these messages that states.MOVES allows; returns them, so that each is told in its timeline.

        To be called in a transaction. Two callers never move the same one: the second waits for the rows of the first
        and finds them moved. They are locked in one order, so that none waits for the other in a circle.
        """
        allowed = self.filter(pk__in=pks, status__in=sources(target)).order_by("pk")
        shown = allowed.only("pk", "channel", "template", "priority", "has_attachments")  # with what str() says
        found = list(shown.select_for_update(of=("self",)))
        chosen = self.model._default_manager.using(self.db).filter(pk__in=[message.pk for message in found])
        chosen.update(status=target, **fields)
        return found

    def move(self, pk: UUID, target: Status, **fields: Any) -> bool:
        """Move one message to `target` if states.MOVES allows it from where it stands; False where it does not."""
        return self.filter(pk=pk, status__in=sources(target)).update(status=target, **fields) == 1
