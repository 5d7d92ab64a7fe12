"""Files that go with mails: in the storage of ATTACHMENTS_URL from the order until the mail is sent."""

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
COMPOSITE = frozenset({"multipart", "message"})  # mails in a mail: RFC 2046, 5.1 and 5.2.1, forbid to encode them
LONGEST_NAME = 255  # bytes, as of every file system; three times as many, escaped, still fit into a line of a mail
MOST_FILES = 490  # SES takes 500 parts in a mail, and a few are its words
UNKNOWN_TYPE = "application/octet-stream"
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
        if self.content_type:
            return self.content_type
        guessed, encoding = mimetypes.guess_type(self.filename)
        if encoding:  # the type is that of what is packed in it
            return "application/gzip" if encoding == "gzip" else UNKNOWN_TYPE
        return guessed if guessed and guessed.partition("/")[0] not in COMPOSITE else UNKNOWN_TYPE


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


def check(files: Sequence[ReadAttachment]) -> None:
    """Raises ValidationException for more files than a mail may have, or a name or type that none can be sent under."""
    if len(files) > MOST_FILES:
        message = _("A mail has %(most)s files at most.") % {"most": MOST_FILES}
        raise ValidationException.for_field("attachments", message, "max_length")
    for file in files:
        recipients.check_line(file.filename, "attachments")
        recipients.check_line(file.content_type, "attachments")
        if len(file.filename.encode()) > LONGEST_NAME:
            message = _("The name of a file has %(most)s bytes at most, as UTF-8.") % {"most": LONGEST_NAME}
            raise ValidationException.for_field("attachments", message, "max_length")
        _check_type(file.content_type)


def _check_type(content_type: str) -> None:
    found = TYPE.fullmatch(content_type)
    if found is None or found[1].lower() in COMPOSITE:
        message = _("Give a content type such as application/pdf; a mail as a file is an application/octet-stream.")
        raise ValidationException.for_field("attachments", message, "invalid_content_type")


def store(files: Sequence[ReadAttachment]) -> list[Attachment]:
    """Put the files into the storage; returns their rows, not saved yet.

    Raises ServiceUnavailableException where the storage does not take one.
    """
    rows: list[Attachment] = []
    for file in files:
        row = Attachment(filename=file.filename, content_type=file.content_type, size=len(file.content))
        name = f"{Attachment.folder(timezone.now())}/{uuid.uuid4().hex}"  # of ours: theirs may be anything
        try:
            row.file = storage.save(name, file.content)
        except OSError as error:
            logger.warning("attachment_not_stored", error=type(error).__name__)
            remove_files(rows)
            raise ServiceUnavailableException from error
        rows.append(row)
    return rows


def remove_files(rows: Iterable[Attachment]) -> None:
    """Remove the files of rows that were never committed; what cannot be removed now is found by `discard_strays`."""
    for row in rows:
        with contextlib.suppress(OSError, DatabaseError):
            storage.delete(row.file.name or "")


def discard_of(messages: Sequence[Message]) -> int:
    """Remove the files of these messages; their rows stay, without a file. Returns how many."""
    removed = 0
    for row in Attachment.objects.kept_of(messages) if messages else ():
        try:
            storage.delete(row.file.name)
        except OSError as error:  # the next sweep tries again
            logger.warning("attachment_not_removed", attachment=row.pk, error=type(error).__name__)
            continue
        Attachment.objects.filter(pk=row.pk).update(file="")
        removed += 1
    return removed


def discard_with_rows(messages: Sequence[Message]) -> None:
    """Remove the files of messages that are being deleted, once that holds; what cannot be removed then, stays."""
    names = list(Attachment.objects.kept_of(messages).values_list("file", flat=True)) if messages else []
    transaction.on_commit(lambda: _delete_files(names))


def _delete_files(names: Iterable[str]) -> None:
    for name in names:
        try:
            storage.delete(name)
        except OSError as error:
            logger.warning("attachment_not_removed", name=name, error=type(error).__name__)


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
        for name in storage.names_in(folder) - named:
            if storage.modified_at(name) < before:
                storage.delete(name)
                removed += 1
    return removed
