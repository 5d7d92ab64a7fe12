"""Messages: each a row, written in the transaction of what caused it."""

import json
import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.querysets import AttachmentQuerySet, MessageQuerySet
from notifications.states import Channel, EventType, Guarantee, Kind, Priority, Status

FOLDER = "attachments/%Y/%m/%d"  # of the files of a day


class ReadableJSONEncoder(json.JSONEncoder):
    """Writes letters of every script as they are, so that SQLite, which keeps JSON as a text, finds them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False})


class Message(models.Model):
    """One e-mail or text to one set of recipients."""

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
        _("uncertain"), default=False, help_text=_("A sender died with it: it may have been sent, perhaps twice.")
    )
    provider_message_id = models.CharField(_("provider's id"), max_length=200, blank=True, default="")
    last_error = models.CharField(_("last error"), max_length=500, blank=True, default="")
    has_attachments = models.BooleanField(_("has attachments"), default=False)
    request_id = models.CharField(_("request id"), max_length=64, blank=True, default="")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    give_up_at = models.DateTimeField(_("given up"), default=timezone.now, help_text=_("No further try after this."))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True, help_text=_("Not sent after this."))
    claim = models.UUIDField(null=True, editable=False, help_text=_("The drain that holds it."))
    leased_until = models.DateTimeField(null=True, editable=False)
    handed_over_at = models.DateTimeField(null=True, editable=False, help_text=_("Given to the network."))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    reduced_at = models.DateTimeField(null=True, editable=False, help_text=_("When what it said and to whom went."))

    objects: ClassVar[MessageQuerySet] = MessageQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(
                fields=["sender", "idempotency_key"],
                name="notifications_one_message_a_key",
                condition=~Q(idempotency_key=""),
            ),
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
            # For lists of what is rare: without them all newer messages are read to find a page of it.
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
        ]

    def __str__(self) -> str:
        return f"{self.template or self.channel} {self.id}"


class SearchText(models.Model):
    """What the search of a message reads. On PostgreSQL a trigger writes it (migration 0013); elsewhere it is empty.

    Apart from the message, whose row is written anew with each step of sending: its index would be, too.
    """

    message = models.OneToOneField(Message, on_delete=models.CASCADE, primary_key=True, related_name="search_text")
    text = models.TextField(help_text="Written by the database.")
    request_id = models.CharField(max_length=64, default="", db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["request_id"], name="notifications_request_id", condition=~Q(request_id="")),
            GinIndex(fields=["text"], name="notifications_search", opclasses=["gin_trgm_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.message_id}"


class Attachment(models.Model):
    """A file that goes with an e-mail; kept in Django's default storage until the mail is sent."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments")
    filename = models.CharField(_("file name"), max_length=255)
    content_type = models.CharField(_("content type"), max_length=255)
    size = models.PositiveIntegerField(_("bytes"))
    file = models.FileField(upload_to=FOLDER, max_length=255, help_text=_("Empty once sent."))

    objects: ClassVar[AttachmentQuerySet] = AttachmentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")

    def __str__(self) -> str:
        return self.filename

    @staticmethod
    def folder(day: datetime) -> str:
        """Where in the storage the files of a day lie."""
        return timezone.localtime(day).strftime(FOLDER)


class MessageEvent(models.Model):
    """A line of a message's timeline; only ever added."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="events")
    type = models.CharField(_("what"), max_length=12, choices=EventType)
    at = models.DateTimeField(_("when"), default=timezone.now)
    details = models.JSONField(_("details"), default=dict, blank=True)
    source_id = models.CharField(
        max_length=200, blank=True, default="", help_text=_("The report's own id: the same report counts once.")
    )

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["message", "type", "source_id"],
                name="notifications_event_once",
                condition=~Q(source_id=""),
            )
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.type}"
