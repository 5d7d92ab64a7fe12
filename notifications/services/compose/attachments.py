"""Attachments of e-mails, in the storage of ATTACHMENTS_URL until the e-mail is sent."""

import contextlib
import hashlib
import mimetypes
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.core.files import File
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import ServiceUnavailableException, ValidationException
from notifications.gateways import files as storage
from notifications.models import Attachment, Message
from notifications.services.compose import recipients

logger = structlog.get_logger(__name__)

_TOKEN = r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]+"  # RFC 2045, 5.1
TYPE = re.compile(rf'({_TOKEN})/{_TOKEN}(?:\s*;\s*{_TOKEN}=(?:{_TOKEN}|"[ -!#-\[\]-~]*"))*')
COMPOSITE = frozenset({"multipart", "message"})  # RFC 2046, 5.1 and 5.2.1: these may not be encoded
LONGEST_NAME = 255  # bytes, the limit of file systems; escaped, it still fits into a line of an e-mail
MOST_FILES = 490  # SES takes 500 parts, some of which are the bodies
UNKNOWN_TYPE = "application/octet-stream"
ORPHAN_DAYS = 8  # how far back to search; older files stay if the task did not run for so long


@dataclass(frozen=True)
class NewAttachment:
    """A file to attach: bytes, or a Django File. An empty content_type is guessed from the name."""

    filename: str
    content: "bytes | File[bytes]"
    content_type: str = ""

    def read(self) -> bytes:
        """Return the content."""
        if isinstance(self.content, bytes):
            return self.content
        self.content.seek(0)
        return bytes(self.content.read())

    def guessed_type(self) -> str:
        """Return the given type, or the one that the name suggests."""
        if self.content_type:
            return self.content_type
        guessed, encoding = mimetypes.guess_type(self.filename)
        if encoding:  # the guessed type is that of the compressed file
            return "application/gzip" if encoding == "gzip" else UNKNOWN_TYPE
        return guessed if guessed and guessed.partition("/")[0] not in COMPOSITE else UNKNOWN_TYPE


@dataclass(frozen=True)
class ReadAttachment:
    """A file that was read into memory."""

    filename: str
    content_type: str
    content: bytes

    @property
    def digest(self) -> str:
        """The SHA-256 digest of the content."""
        return hashlib.sha256(self.content).hexdigest()


def read_all(attachments: Iterable[NewAttachment]) -> list[ReadAttachment]:
    """Read every file."""
    return [ReadAttachment(new.filename, new.guessed_type(), new.read()) for new in attachments]


def check(files: Sequence[ReadAttachment]) -> None:
    """Raise ValidationException for too many files, or a name or content type that cannot be sent."""
    if len(files) > MOST_FILES:
        message = _("An e-mail has at most %(most)s files.") % {"most": MOST_FILES}
        raise ValidationException.for_field("attachments", message, "max_length")
    for file in files:
        recipients.check_line(file.filename, "attachments")
        recipients.check_line(file.content_type, "attachments")
        if len(file.filename.encode()) > LONGEST_NAME:
            message = _("A file name has at most %(most)s bytes in UTF-8.") % {"most": LONGEST_NAME}
            raise ValidationException.for_field("attachments", message, "max_length")
        _check_type(file.content_type)


def _check_type(content_type: str) -> None:
    found = TYPE.fullmatch(content_type)
    if found is None or found[1].lower() in COMPOSITE:
        message = _("Enter a content type such as application/pdf. Attach an e-mail as application/octet-stream.")
        raise ValidationException.for_field("attachments", message, "invalid_content_type")


def store(files: Sequence[ReadAttachment]) -> list[Attachment]:
    """Write the files to the storage and return their unsaved rows.

    Raises ServiceUnavailableException if the storage fails.
    """
    rows: list[Attachment] = []
    for file in files:
        row = Attachment(filename=file.filename, content_type=file.content_type, size=len(file.content))
        name = f"{Attachment.folder(timezone.now())}/{uuid.uuid4().hex}"  # never the name that the sender gave
        try:
            row.file = storage.save(name, file.content)
        except OSError as error:
            logger.warning("attachment_not_stored", error=type(error).__name__)
            remove_files(rows)
            raise ServiceUnavailableException from error
        rows.append(row)
    return rows


def remove_files(rows: Iterable[Attachment]) -> None:
    """Remove the files of rows that were not committed. `discard_orphans` later removes those that fail now."""
    for row in rows:
        with contextlib.suppress(OSError, DatabaseError):
            storage.delete(row.file.name or "")


def discard_of(messages: Sequence[Message]) -> int:
    """Remove the files of these messages, keep their rows and return how many files were removed."""
    return discard(Attachment.objects.stored_of(messages)) if messages else 0


def discard(stored: Iterable[Attachment]) -> int:
    """Remove the files of these attachments, keep the rows and return how many files were removed."""
    removed = 0
    for row in stored:
        try:
            storage.delete(row.file.name or "")
        except OSError as error:  # the next sweep tries again
            logger.warning("attachment_not_removed", attachment=row.pk, error=type(error).__name__)
            continue
        Attachment.objects.filter(pk=row.pk).update(file="")
        removed += 1
    return removed


def discard_with_rows(messages: Sequence[Message]) -> None:
    """Remove the files of deleted messages after the commit. A file that cannot be removed then is logged and stays."""
    names = list(Attachment.objects.stored_of(messages).values_list("file", flat=True)) if messages else []
    transaction.on_commit(lambda: _delete_files(names))


def _delete_files(names: Iterable[str]) -> None:
    for name in names:
        try:
            storage.delete(name)
        except OSError as error:
            logger.warning("attachment_not_removed", name=name, error=type(error).__name__)


def discard_of_ended(before: datetime, limit: int = 500) -> int:
    """Remove files of finished messages that a crash left behind. Returns how many."""
    return discard_of(list({row.message for row in Attachment.objects.unused(before)[:limit]}))


def discard_orphans(before: datetime) -> int:
    """Remove files without a row, left behind by a rollback. Returns how many.

    before: younger files are skipped, because their transaction may still be open.
    """
    removed = 0
    for days in range(ORPHAN_DAYS):
        folder = Attachment.folder(before - timedelta(days=days))
        named = set(Attachment.objects.in_folder(folder).values_list("file", flat=True))
        for name in storage.names_in(folder) - named:
            if storage.modified_at(name) < before:
                storage.delete(name)
                removed += 1
    return removed
