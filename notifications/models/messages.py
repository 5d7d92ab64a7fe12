"""Messages: the outbox table. A row is written in the transaction of the event that it reports."""

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connections, models, transaction
from django.db.models import Case, Count, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from foodfleet.core.database.compiled import Compiled
from foodfleet.core.database.partitions import Partition
from notifications.models.words import in_columns, in_search_text, with_key
from notifications.states import FINISHED, Channel, Guarantee, Kind, Priority, Status, sources

MOST_WITH_ONE_ID = 50
MOST_COUNTED = 100_000
MOST_WORDS = 10  # each word adds a scan of the remaining messages: with hundreds a search would take seconds
# PostgreSQL assumes that a limit that is a parameter is a tenth of the rows. So with many queued messages the plan for
# all limits looks expensive, and each claim would be planned anew, for each partition.
PLANNED_ONCE = "SET LOCAL plan_cache_mode = force_generic_plan"
NO_LEASE: dict[str, None] = {"claim": None, "leased_until": None, "send_started_at": None}


class ReadableJSONEncoder(json.JSONEncoder):
    """Does not escape non-ASCII letters, because SQLite searches JSON as text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False})


class MessageQuerySet(models.QuerySet["Message"]):
    """Queries of messages. Only these methods change states, as `states.MOVES` allows."""

    def these(self, messages: Collection["Message"]) -> "MessageQuerySet":
        """Filter these messages. Their times tell PostgreSQL in which partitions to look."""
        if not messages:
            return self.none()
        times = [message.created_at for message in messages]
        return self.filter(pk__in=[message.pk for message in messages], created_at__range=(min(times), max(times)))

    # -- Lists
    def to_people(self) -> "MessageQuerySet":
        """Filter e-mails and SMS, without webhooks."""
        return self.exclude(channel=Channel.WEBHOOK)

    def listed(self) -> "MessageQuerySet":
        """Load messages for a list, with timelines and without content."""
        return self.defer("payload").prefetch_related("events")

    def search(self, words: str) -> "MessageQuerySet":
        """Filter messages that have each of the first ten words in recipient, subject or template, or as an id.

        PostgreSQL uses the trigram index of SearchText, and a separate index of the provider's id.
        """
        found = self
        uses_index = connections[self.db].vendor == "postgresql"
        for word in words.split(maxsplit=MOST_WORDS)[:MOST_WORDS]:
            if not uses_index:
                found = found.filter(in_columns(word))
            elif keys := self._keys_with_id(word):
                found = found.filter(pk__in=keys)
            else:
                found = found.filter(in_search_text(word))
        return found

    def _keys_with_id(self, word: str) -> list[UUID]:
        """Return the keys of messages with exactly this id: the message's, the provider's or the request's."""
        every = Message.objects.using(self.db).order_by().values_list("pk", flat=True)
        matches = [
            every.filter(provider_message_id=word).exclude(provider_message_id=""),
            every.filter(search_text__request_id=word).exclude(search_text__request_id=""),
            *([every.filter(with_key(word))] if with_key(word) else []),
        ]
        first, *others = (some[:MOST_WITH_ONE_ID] for some in matches)
        return list(first.union(*others, all=True))

    def with_provider_id(self, provider_message_id: str) -> "MessageQuerySet":
        """Filter the message with this id of the provider."""
        return self.filter(provider_message_id=provider_message_id).exclude(provider_message_id="")

    def with_idempotency_key(self, sender_id: int, idempotency_key: str) -> "MessageQuerySet":
        """Filter the message that this sender queued with the key."""
        return self.filter(sender=sender_id, idempotency_key=idempotency_key).exclude(idempotency_key="")

    def find_by_provider_id(self, provider_message_id: str) -> "Message | None":
        """Return the message with this id of the provider among all, or None."""
        return next(iter(_SENT_AS.rows(sent_as=provider_message_id)), None)

    def find_by_idempotency_key(self, sender: User, idempotency_key: str) -> "Message | None":
        """Return the message among all that this sender queued with the key, or None."""
        return next(iter(_REPEATED.rows(sender=sender.pk, key=idempotency_key)), None)

    # -- States
    def queued(self, channel: Channel, priority: Priority) -> "MessageQuerySet":
        """Filter queued messages of one channel and priority, the earliest due first."""
        return self.waiting().filter(channel=channel, priority=priority).order_by("due_at")

    def waiting(self) -> "MessageQuerySet":
        """Filter queued messages, which no dispatcher has claimed."""
        return self.filter(status=Status.QUEUED)

    def count_waiting(self) -> "models.QuerySet[Message, tuple[str, str, int]]":
        """Return channel, status and number of messages that are queued or being sent; counts at most MOST_COUNTED."""
        some = self.filter(status__in=[Status.QUEUED, Status.SENDING]).values("pk")[:MOST_COUNTED]
        counted = self.filter(pk__in=some).order_by().values("channel", "status").annotate(number=Count("pk"))
        return counted.values_list("channel", "status", "number")

    def expired(self, now: datetime) -> "MessageQuerySet":
        """Filter queued messages that have expired."""
        return self.waiting().filter(expires_at__lte=now)

    def abandoned(self, now: datetime) -> "MessageQuerySet":
        """Filter claimed messages whose lease has ended."""
        return self.filter(status=Status.SENDING, leased_until__lte=now)

    def claimed_by(self, claim: UUID) -> "MessageQuerySet":
        """Filter messages that this dispatcher has claimed."""
        return self.filter(status=Status.SENDING, claim=claim)

    def dead_letters(self) -> "MessageQuerySet":
        """Filter failed messages that still have their content, the newest first."""
        return self.filter(status=Status.FAILED).exclude(payload="").order_by("-created_at", "-id")

    def retriable(self, now: datetime) -> "MessageQuerySet":
        """Filter dead letters that have not expired: these can be sent again."""
        return self.dead_letters().exclude(expires_at__lte=now)

    def expired_dead_letters(self, now: datetime) -> "MessageQuerySet":
        """Filter dead letters that have expired: their content is no longer needed."""
        return self.dead_letters().filter(expires_at__lte=now)

    # -- Retention
    def finished(self) -> "MessageQuerySet":
        """Filter messages in a final state, which only staff or a report changes."""
        return self.filter(status__in=FINISHED)

    def to_reduce(self, before: datetime) -> "MessageQuerySet":
        """Filter finished messages created before `before` that still have recipients and content, the oldest first."""
        return self.to_remove(before).filter(reduced_at__isnull=True)

    def in_partition(self, partition: Partition) -> "MessageQuerySet":
        """Filter the messages of a partition of months."""
        older = self.filter(created_at__lt=partition.end)
        return older.filter(created_at__gte=partition.start) if partition.start else older

    def are_over(self) -> bool:
        """Return whether all are finished, without recipients and content. Each query has an index."""
        waiting, sending = (self.filter(status=status) for status in (Status.QUEUED, Status.SENDING))
        return not any(some.exists() for some in (self.filter(reduced_at__isnull=True), waiting, sending))

    def to_remove(self, before: datetime) -> "MessageQuerySet":
        """Filter finished messages created before `before`, the oldest first."""
        return self.finished().filter(created_at__lt=before).order_by("created_at")

    # -- Leases
    def claim_due(
        self,
        *,
        channel: Channel,
        claim: UUID,
        now: datetime,
        until: datetime,
        limit: int,
        lowest: Priority = Priority.BULK,
    ) -> list["Message"]:
        """Claim up to `limit` due messages of a channel until `until`, higher priorities first.

        Callers never get the same message: PostgreSQL skips rows that another transaction has locked, and SQLite lets
        one transaction write at a time.
        """
        with transaction.atomic(using=self.db):
            found = self._lock_due(channel, lowest, now, limit)
            claimable = Message.objects.these(found).filter(status__in=sources(Status.SENDING))
            claimable.update(status=Status.SENDING, attempts=F("attempts") + 1, claim=claim, leased_until=until)
        for message in found:
            message.status, message.claim, message.leased_until = Status.SENDING, claim, until
            message.attempts += 1
        return found

    def _lock_due(self, channel: Channel, lowest: Priority, now: datetime, limit: int) -> list["Message"]:
        """Lock due messages, higher priorities first. Of all messages, each priority has a query of its own.

        That one uses the index of the queue. A filter, such as one by keys, chooses few messages.
        """
        if self.query.where:
            due = self.waiting().filter(channel=channel, priority__lte=lowest, due_at__lte=now)
            return list(due.order_by("priority", "due_at").select_for_update(skip_locked=True)[:limit])
        if connections[self.db].vendor == "postgresql":
            with connections[self.db].cursor() as cursor:
                cursor.execute(PLANNED_ONCE)
        found: list[Message] = []
        for priority in Priority:
            if priority <= lowest and len(found) < limit:
                found += _due(channel, priority).rows(now=now, limit=limit - len(found))
        return found

    def start_sending(self, messages: Collection["Message"], claim: UUID, now: datetime) -> set[UUID]:
        """Record that sending of these messages starts; return the keys of those that are still claimed."""
        claimed = self.claimed_by(claim).these(messages)
        claimed.update(send_started_at=now)
        return set(claimed.values_list("pk", flat=True))

    def renew_leases(self, messages: Collection["Message"], claim: UUID, until: datetime) -> set[UUID]:
        """Extend the leases of these messages; return the keys of those that are still claimed."""
        claimed = self.claimed_by(claim).these(messages)
        claimed.update(leased_until=until)
        return set(claimed.values_list("pk", flat=True))

    def release(self, messages: Collection["Message"], claim: UUID) -> int:
        """Requeue claimed messages that were not sent, without counting the attempt."""
        unsent = self.claimed_by(claim).these(messages)
        return unsent.update(status=Status.QUEUED, attempts=F("attempts") - 1, **NO_LEASE)

    def finish(self, message: "Message", claim: UUID, target: Status, **fields: Any) -> bool:
        """Move a claimed message to `target`; False if it is no longer claimed."""
        claimed = self.claimed_by(claim).these([message]).filter(status__in=sources(target))
        return claimed.update(status=target, **NO_LEASE, **fields) == 1

    def finish_sent(self, provider_ids: Mapping["Message", str], claim: UUID, **fields: Any) -> set[UUID]:
        """Move claimed messages to SENT, each with the provider's id; return the keys of those still claimed.

        Two statements for all messages, because a dispatcher commits hundreds in a second. Call it in a transaction.
        """
        claimed = self.claimed_by(claim).these(provider_ids).order_by("pk")
        found = set(claimed.select_for_update().values_list("pk", flat=True))
        sent = [message for message in provider_ids if message.pk in found]
        if sent:
            ids = Case(*(When(pk=message.pk, then=Value(provider_ids[message])) for message in sent))
            still = Message.objects.these(sent)
            still.update(status=Status.SENT, provider_message_id=ids, **NO_LEASE, **fields)
        return found

    def reclaim(self, message: "Message", now: datetime, target: Status, **fields: Any) -> bool:
        """Move an abandoned message to `target`; False if its lease was renewed or another process moved it."""
        abandoned = self.abandoned(now).these([message]).filter(status__in=sources(target))
        return abandoned.update(status=target, **NO_LEASE, **fields) == 1

    def mark_sent_late(self, message: "Message", **fields: Any) -> bool:
        """Move an uncertain message to SENT when its outcome arrives late, so that it is not sent again."""
        uncertain = self.these([message]).filter(status__in=(Status.QUEUED, Status.FAILED), is_uncertain=True)
        return uncertain.filter(status__in=sources(Status.SENT)).update(status=Status.SENT, **fields) == 1

    # -- Moves by hand
    def move(self, message: "Message", target: Status, **fields: Any) -> bool:
        """Move one message to `target`; False if its state does not allow that."""
        return self.these([message]).filter(status__in=sources(target)).update(status=target, **fields) == 1

    def requeue(self, messages: Collection["Message"], **fields: Any) -> int:
        """Queue webhooks again, and make waiting ones due. Returns the number of webhooks that had their content."""
        webhooks = self.these(messages).filter(channel=Channel.WEBHOOK).exclude(payload="")
        waiting = webhooks.waiting().update(**fields)
        again = webhooks.finished().filter(status__in=sources(Status.QUEUED))
        return waiting + again.update(status=Status.QUEUED, attempts=0, **fields)

    def move_all(self, pks: Sequence[UUID], target: Status, **fields: Any) -> list["Message"]:
        """Move the messages whose state allows it, and return them. Call it in a transaction.

        Rows are locked in the order of their keys, so that a second caller waits and finds them moved.
        """
        allowed = self.filter(pk__in=pks, status__in=sources(target)).order_by("pk")
        # Including the columns of __str__.
        columns = allowed.only("pk", "channel", "template", "created_at", "priority", "has_attachments")
        found = list(columns.select_for_update(of=("self",)))
        Message.objects.these(found).update(status=target, **fields)
        return found


# Statements about messages of any time are prepared, because PostgreSQL has to plan for each partition.
@cache
def _due(channel: Channel, priority: Priority) -> Compiled:
    """Return the statement that locks due messages of one queue, the earliest due first."""
    return Compiled(
        lambda now, limit: (
            Message.objects.queued(channel, priority)
            .filter(due_at__lte=now)
            .select_for_update(skip_locked=True)[:limit]
        ),
        now=datetime,
        limit=int,
    )


_SENT_AS = Compiled(lambda sent_as: Message.objects.with_provider_id(sent_as).order_by("pk"), sent_as=str)
_REPEATED = Compiled(
    lambda sender, key: Message.objects.with_idempotency_key(sender, key).order_by("pk"), sender=int, key=str
)


class Message(models.Model):
    """An e-mail or SMS to one set of recipients, or a webhook, which also has a `WebhookDelivery`."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    to = models.JSONField(_("to"), default=list, encoder=ReadableJSONEncoder)
    cc = models.JSONField(_("cc"), default=list, blank=True, encoder=ReadableJSONEncoder)
    bcc = models.JSONField(_("bcc"), default=list, blank=True, encoder=ReadableJSONEncoder)
    recipients = models.PositiveSmallIntegerField(_("recipients"), default=1, help_text=_("What the provider counts."))
    subject = models.CharField(_("subject"), max_length=255, blank=True, default="")
    template = models.CharField(_("template"), max_length=100, blank=True, default="")
    template_version = models.PositiveIntegerField(_("version"), default=0, help_text=_("0: built-in wording."))
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.ACCOUNT)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority, default=Priority.TRANSACTIONAL)
    guarantee = models.CharField(_("guarantee"), max_length=15, choices=Guarantee, default=Guarantee.AT_LEAST_ONCE)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="messages",
        verbose_name=_("user"),
    )
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="messages_sent",
        verbose_name=_("sender"),
    )
    idempotency_key = models.CharField(max_length=255, blank=True, default="", editable=False)
    body_digest = models.CharField(
        max_length=64, blank=True, default="", editable=False, help_text=_("Of what the idempotency key came with.")
    )
    payload = models.TextField(editable=False, default="", help_text=_("Encrypted content; emptied once sent."))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    is_uncertain = models.BooleanField(
        _("uncertain"),
        default=False,
        help_text=_("The sending process died: it may have been sent, perhaps twice."),
    )
    provider_message_id = models.CharField(_("provider's id"), max_length=200, blank=True, default="")
    last_error = models.CharField(_("last error"), max_length=500, blank=True, default="")
    has_attachments = models.BooleanField(_("has attachments"), default=False)
    request_id = models.CharField(_("request id"), max_length=64, blank=True, default="")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    give_up_at = models.DateTimeField(_("given up"), default=timezone.now, help_text=_("No further try after this."))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True, help_text=_("Not sent after this."))
    claim = models.UUIDField(null=True, editable=False, help_text=_("The dispatcher that claimed it."))
    leased_until = models.DateTimeField(null=True, editable=False)
    send_started_at = models.DateTimeField(null=True, editable=False, help_text=_("When the provider was called."))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    reduced_at = models.DateTimeField(null=True, editable=False, help_text=_("When its content was removed."))

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="notifications_known_status"),
            models.CheckConstraint(
                condition=~Q(status="sending") | Q(claim__isnull=False, leased_until__isnull=False),
                name="notifications_sending_is_leased",
            ),
        ]
        indexes = [
            models.Index(
                fields=["channel", "priority", "due_at"], name="notifications_due_by_way", condition=Q(status="queued")
            ),
            models.Index(fields=["leased_until"], name="notifications_leased", condition=Q(status="sending")),
            models.Index(fields=["expires_at"], name="notifications_expiring", condition=Q(status="queued")),
            models.Index(fields=["-created_at", "-id"], name="notifications_newest"),
            # For lists of rare messages: without an index a page of them would need a scan of all newer messages.
            models.Index(fields=["template", "-created_at", "-id"], name="notifications_by_template"),
            models.Index(
                fields=["status", "-created_at", "-id"],
                name="notifications_not_delivered",
                condition=Q(status__in=["failed", "bounced", "complained", "suppressed", "cancelled"]),
            ),
            models.Index(fields=["-created_at", "-id"], name="notifications_newest_texts", condition=Q(channel="sms")),
            models.Index(fields=["created_at"], name="notifications_whole", condition=Q(reduced_at__isnull=True)),
            models.Index(
                fields=["expires_at"], name="notifications_spent", condition=Q(status="failed") & ~Q(payload="")
            ),
            models.Index(
                fields=["provider_message_id"], name="notifications_provider_id", condition=~Q(provider_message_id="")
            ),
            # Not unique: `write` locks a key while it looks for it and inserts.
            models.Index(
                fields=["sender", "idempotency_key"], name="notifications_by_key", condition=~Q(idempotency_key="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template or self.channel} {self.created_at:%Y-%m-%d %H:%M}"
