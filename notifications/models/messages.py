"""Messages: the outbox table. A row is written in the transaction of the event that it reports."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connections, models, transaction
from django.db.models import Case, Count, F, Q, Value, When
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from notifications.states import FINISHED, Channel, Guarantee, Kind, Priority, Status, sources

MOST_WITH_ONE_ID = 50
MOST_COUNTED = 100_000
MOST_WORDS = 10  # each word adds a scan of the remaining messages: with hundreds a search would take seconds
NO_LEASE: dict[str, None] = {"claim": None, "leased_until": None, "send_started_at": None}


class ReadableJSONEncoder(json.JSONEncoder):
    """Does not escape non-ASCII letters, because SQLite searches JSON as text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False})


class MessageQuerySet(models.QuerySet["Message"]):
    """Queries of messages. Only these methods change states, as `states.MOVES` allows."""

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
                found = found.filter(_in_columns(word))
            elif keys := self._keys_with_id(word):
                found = found.filter(pk__in=keys)
            else:
                found = found.filter(_in_search_text(word))
        return found

    def _keys_with_id(self, word: str) -> list[UUID]:
        """Return the keys of messages with exactly this id: the message's, the provider's or the request's."""
        every = Message.objects.using(self.db).order_by().values_list("pk", flat=True)
        matches = [
            every.filter(provider_message_id=word).exclude(provider_message_id=""),
            every.filter(search_text__request_id=word).exclude(search_text__request_id=""),
            *([every.filter(_with_key(word))] if _with_key(word) else []),
        ]
        first, *others = (some[:MOST_WITH_ONE_ID] for some in matches)
        return list(first.union(*others, all=True))

    def with_provider_id(self, provider_message_id: str) -> "MessageQuerySet":
        """Filter the message with this id of the provider."""
        return self.filter(provider_message_id=provider_message_id).exclude(provider_message_id="")

    def with_idempotency_key(self, sender: User, idempotency_key: str) -> "MessageQuerySet":
        """Filter the message that this sender queued with the key."""
        return self.filter(sender=sender, idempotency_key=idempotency_key)

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
        one transaction write at a time. Each priority has a separate query, which uses the index of the queue.
        """
        found: list[Message] = []
        with transaction.atomic(using=self.db):
            for priority in (priority for priority in Priority if priority <= lowest and len(found) < limit):
                due = self.queued(channel, priority).filter(due_at__lte=now).select_for_update(skip_locked=True)
                found += due[: limit - len(found)]
            if found:
                claimable = Message.objects.filter(
                    pk__in=[message.pk for message in found], status__in=sources(Status.SENDING)
                )
                claimable.update(status=Status.SENDING, attempts=F("attempts") + 1, claim=claim, leased_until=until)
        for message in found:
            message.status, message.claim, message.leased_until = Status.SENDING, claim, until
            message.attempts += 1
        return found

    def start_sending(self, pks: Sequence[UUID], claim: UUID, now: datetime) -> set[UUID]:
        """Record that sending of these messages starts; return the keys of those that are still claimed."""
        if not pks:
            return set()
        claimed = self.claimed_by(claim).filter(pk__in=pks)
        claimed.update(send_started_at=now)
        return set(claimed.values_list("pk", flat=True))

    def renew_leases(self, pks: Sequence[UUID], claim: UUID, until: datetime) -> set[UUID]:
        """Extend the leases of these messages; return the keys of those that are still claimed."""
        claimed = self.claimed_by(claim).filter(pk__in=pks)
        claimed.update(leased_until=until)
        return set(claimed.values_list("pk", flat=True))

    def release(self, claim: UUID, pks: Sequence[UUID]) -> int:
        """Requeue claimed messages that were not sent, without counting the attempt."""
        unsent = self.claimed_by(claim).filter(pk__in=pks)
        return unsent.update(status=Status.QUEUED, attempts=F("attempts") - 1, **NO_LEASE)

    def finish(self, pk: UUID, claim: UUID, target: Status, **fields: Any) -> bool:
        """Move a claimed message to `target`; False if it is no longer claimed."""
        claimed = self.claimed_by(claim).filter(pk=pk, status__in=sources(target))
        return claimed.update(status=target, **NO_LEASE, **fields) == 1

    def finish_sent(self, provider_ids: Mapping[UUID, str], claim: UUID, **fields: Any) -> set[UUID]:
        """Move claimed messages to SENT, each with the provider's id; return the keys of those still claimed.

        Two statements for all messages, because a dispatcher commits hundreds in a second. Call it in a transaction.
        """
        claimed = self.claimed_by(claim).filter(pk__in=provider_ids).order_by("pk")
        found = set(claimed.select_for_update().values_list("pk", flat=True))
        if found:
            ids = Case(*(When(pk=pk, then=Value(provider_ids[pk])) for pk in found))
            sent = Message.objects.filter(pk__in=found)
            sent.update(status=Status.SENT, provider_message_id=ids, **NO_LEASE, **fields)
        return found

    def reclaim(self, pk: UUID, now: datetime, target: Status, **fields: Any) -> bool:
        """Move an abandoned message to `target`; False if its lease was renewed or another process moved it."""
        abandoned = self.abandoned(now).filter(pk=pk, status__in=sources(target))
        return abandoned.update(status=target, **NO_LEASE, **fields) == 1

    def mark_sent_late(self, pk: UUID, **fields: Any) -> bool:
        """Move an uncertain message to SENT when its outcome arrives late, so that it is not sent again."""
        uncertain = self.filter(pk=pk, status__in=(Status.QUEUED, Status.FAILED), is_uncertain=True)
        return uncertain.filter(status__in=sources(Status.SENT)).update(status=Status.SENT, **fields) == 1

    # -- Moves by hand
    def move(self, pk: UUID, target: Status, **fields: Any) -> bool:
        """Move one message to `target`; False if its state does not allow that."""
        return self.filter(pk=pk, status__in=sources(target)).update(status=target, **fields) == 1

    def requeue(self, pks: Sequence[UUID], **fields: Any) -> int:
        """Queue webhooks again, and make waiting ones due. Returns the number of webhooks that had their content."""
        webhooks = self.filter(channel=Channel.WEBHOOK, pk__in=pks).exclude(payload="")
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
        Message.objects.filter(pk__in=[message.pk for message in found]).update(status=target, **fields)
        return found


def _in_columns(word: str) -> Q:
    return (
        Q(to__icontains=json.dumps(word, ensure_ascii=False)[1:-1])  # as JSON writes it
        | Q(subject__icontains=word)
        | Q(template__icontains=word)
        | Q(provider_message_id=word)
        | Q(request_id=word)
        | _with_key(word)
    )


def _in_search_text(word: str) -> Q:
    """Match the word itself and as JSON: recipients are part of the text as JSON."""
    forms = {word, json.dumps(word, ensure_ascii=False)[1:-1]}
    return reduce(or_, (Q(search_text__text__contains=Lower(Value(form))) for form in forms))


def _with_key(word: str) -> Q:
    try:
        return Q(pk=UUID(word))
    except ValueError:
        return Q()


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
