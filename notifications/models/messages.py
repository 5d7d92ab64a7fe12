"""Messages: each a row, written in the transaction of what caused it."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.querysets import MessageQuerySet
from notifications.states import Channel, Status


class Message(models.Model):
    """One e-mail or text to one set of recipients."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    to = models.JSONField(_("to"), default=list)
    subject = models.CharField(_("subject"), max_length=255, blank=True, default="")
    template = models.CharField(_("template"), max_length=100, blank=True, default="")
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages"
    )
    payload = models.TextField(editable=False, default="", help_text=_("Encrypted variables; emptied once sent."))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    provider_message_id = models.CharField(_("provider's id"), max_length=200, blank=True, default="")
    last_error = models.CharField(_("last error"), max_length=500, blank=True, default="")
    request_id = models.CharField(_("request id"), max_length=64, blank=True, default="")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    objects: ClassVar[MessageQuerySet] = MessageQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            models.Index(fields=["due_at"], name="notifications_due", condition=models.Q(status="queued")),
            models.Index(fields=["-created_at", "-id"], name="notifications_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.template or self.channel} {self.id}"
