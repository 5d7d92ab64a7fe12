"""Files that go with mails: in Django's storage from the order until the mail is sent."""

import hashlib
import mimetypes
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from notifications.models import Attachment, Message

logger = structlog.get_logger(__name__)

STRAYS_SOUGHT_FOR = 8  # days; a task that was away for longer leaves what was older


@dataclass(frozen=True)
class NewAttachment:
    """A file to send along: bytes, or a file of Django's. content_type: guessed from the name where it is ''."""

    filename: str
    content: "bytes | File[bytes]"
    content_type: str = ""

    def read(self) -> bytes:
        """All of it."""
        if isinstance(self.content, bytes):
            return self.content
        self.content.seek(0)
        return bytes(self.content.read())

    def guessed_type(self) -> str:
        """What was given, or what the name suggests."""
        return self.content_type or mimetypes.guess_type(self.filename)[0] or "application/octet-stream"


@dataclass(frozen=True)
class ReadAttachment:
    """A file whose bytes were read once, to be measured, digested and stored."""

    filename: str
    content_type: str
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.content).hexdigest()


def read_all(attachments: Iterable[NewAttachment]) -> list[ReadAttachment]:
    """The bytes of each."""
    return [ReadAttachment(new.filename, new.guessed_type(), new.read()) for new in attachments]


def store(files: Sequence[ReadAttachment]) -> list[Attachment]:
    """Put the files into the storage; returns their rows, not saved yet."""
    rows = []
    for file in files:
        row = Attachment(filename=file.filename, content_type=file.content_type, size=len(file.content))
        row.file.save(uuid.uuid4().hex, ContentFile(file.content), save=False)  # a name of ours: theirs may be anything
        rows.append(row)
    return rows


def remove_files(rows: Iterable[Attachment]) -> None:
    """Remove the files of rows that were never committed."""
    for row in rows:
        default_storage.delete(row.file.name or "")


def discard_of(messages: Sequence[Message]) -> int:
    """Remove the files of these messages; their rows stay, without a file. Returns how many."""
    removed = 0
    for row in Attachment.objects.kept_of(messages) if messages else ():
        try:
            default_storage.delete(row.file.name)
        except OSError as error:  # the next sweep tries again
            logger.warning("attachment_not_removed", attachment=row.pk, error=type(error).__name__)
            continue
        Attachment.objects.filter(pk=row.pk).update(file="")
        removed += 1
    return removed


def discard_of_ended(before: datetime, limit: int = 500) -> int:
    """Remove files that a crash left behind after their mail had ended. Returns how many."""
    return discard_of(list({row.message for row in Attachment.objects.left_behind(before)[:limit]}))


def discard_strays(before: datetime) -> int:
    """Remove files that no row names, because the transaction that stored them was rolled back. Returns how many.

    Looks at the folders of the last days before `before`: at nothing younger, whose transaction may still be open.
    """
    removed = 0
    for days in range(STRAYS_SOUGHT_FOR):
        folder = Attachment.folder(before - timedelta(days=days))
        named = set(Attachment.objects.in_folder(folder).values_list("file", flat=True))
        for name in _files_in(folder) - named:
            if default_storage.get_modified_time(name) < before:
                default_storage.delete(name)
                removed += 1
    return removed


def _files_in(folder: str) -> set[str]:
    try:
        return {f"{folder}/{name}" for name in default_storage.listdir(folder)[1]}
    except FileNotFoundError:
        return set()
