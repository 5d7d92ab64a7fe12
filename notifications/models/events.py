"""The timeline of a message."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.models.messages import Message
from notifications.states import EventType


class MessageTimeField(models.DateTimeField):  # type: ignore[type-arg]
    """When the message of the row was created: the partition key of tables that belong to messages.

    Rows from before there was the column, and those that the release before writes, have a later time.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Take the time from the message of a new row."""
        if add:
            setattr(model_instance, self.attname, model_instance.message.created_at)  # type: ignore[attr-defined]
        return super().pre_save(model_instance, add)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """Return an ordinary DateTimeField: migrations write no rows."""
        name, _path, args, options = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, options


class MessageEvent(models.Model):
    """One event in the timeline of a message; append-only."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, db_constraint=False, related_name="events")
    message_created_at = MessageTimeField(db_default=Now(), editable=False)
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
