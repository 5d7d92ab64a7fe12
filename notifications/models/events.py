"""The timeline of a message."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.models.messages import Message
from notifications.states import EventType


class MessageEvent(models.Model):
    """One event in the timeline of a message; append-only."""

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
