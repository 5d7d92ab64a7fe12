"""Attachments of e-mails, and their files if the database stores them."""

from collections.abc import Iterable
from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.models.messages import Message
from notifications.states import FINISHED

FOLDER = "attachments/%Y/%m/%d"  # of the files of a day


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    """Queries of attachments."""

    def stored_of(self, messages: Iterable[Message]) -> "AttachmentQuerySet":
        """Filter attachments of these messages whose file is still stored."""
        return self.filter(message__in=[message.pk for message in messages]).exclude(file="")

    def unused(self, before: datetime) -> "AttachmentQuerySet":
        """Filter stored files of finished e-mails that cannot be sent again. before: their creation."""
        stored = self.exclude(file="").filter(
            message__status__in=FINISHED, message__payload="", message__created_at__lt=before
        )
        return stored.select_related("message")

    def in_folder(self, folder: str) -> "AttachmentQuerySet":
        """Filter attachments whose file is in the folder."""
        return self.filter(file__startswith=f"{folder}/")


class Attachment(models.Model):
    """A file of an e-mail, stored until the e-mail is sent."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, db_constraint=False, related_name="attachments")
    filename = models.CharField(_("file name"), max_length=255)
    content_type = models.CharField(_("content type"), max_length=255)
    size = models.PositiveIntegerField(_("bytes"))
    file = models.FileField(upload_to=FOLDER, max_length=255, help_text=_("Empty once sent."))

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")

    def __str__(self) -> str:
        return self.filename

    @staticmethod
    def folder(day: datetime) -> str:
        """Return the folder of the files of a day."""
        return timezone.localtime(day).strftime(FOLDER)


class StoredFileQuerySet(models.QuerySet["StoredFile"]):
    """Queries of stored files."""

    def content_of(self, name: str) -> bytes | None:
        """Return the bytes of a file; None if it does not exist."""
        content = self.filter(name=name).values_list("content", flat=True).first()
        return None if content is None else bytes(content)

    def names_below(self, folder: str) -> list[str]:
        """Return the names that start with `folder`."""
        return list(self.filter(name__startswith=folder).values_list("name", flat=True))


class StoredFile(models.Model):
    """A file in the database. Only gateways/files.py uses it."""

    name = models.CharField(max_length=255, primary_key=True)
    content = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    objects = StoredFileQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
