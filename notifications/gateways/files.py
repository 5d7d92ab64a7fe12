"""Where the files of mails wait: in whatever storage of Django's ATTACHMENTS_URL names, the database by default.

Web processes and workers on any machine have to see the same files, so a folder serves only where they share it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, default_storage, storages
from django.db import DatabaseError, InterfaceError, connections, router, transaction

from notifications.models import StoredFile


class FilesUnavailableError(OSError):
    """The storage of attachments does not answer, or not as it should."""


def save(name: str, content: bytes) -> str:
    """Keep a file; returns the name that it is found under. Raises OSError."""
    with _translated():
        return str(_storage().save(name, ContentFile(content)))


def read(name: str) -> bytes:
    """All of a file. Raises FileNotFoundError, or another OSError where the storage cannot be asked.

    A file of a mail that was queued before ATTACHMENTS_URL had this value may still be in the folder var/media.
    """
    try:
        with _translated(), _storage().open(name) as stored:
            return bytes(stored.read())
    except FileNotFoundError:
        with default_storage.open(name) as stored:
            return bytes(stored.read())
    except (DatabaseError, InterfaceError) as error:
        raise FilesUnavailableError(type(error).__name__) from error


def delete(name: str) -> None:
    """Remove a file, if it is there. Raises OSError."""
    with _translated():
        _storage().delete(name)
    default_storage.delete(name)


def names_in(folder: str) -> set[str]:
    """The names of the files of a folder. Raises OSError."""
    try:
        with _translated():
            return {f"{folder}/{name}" for name in _storage().listdir(folder)[1]}
    except FileNotFoundError:
        return set()


def modified_at(name: str) -> datetime:
    """When a file was last written. Raises OSError."""
    with _translated():
        return _storage().get_modified_time(name)


def _storage() -> Storage:
    return storages["attachments"]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise FilesUnavailableError(type(error).__name__) from error


class DatabaseStorage(Storage):
    """Files as rows: written in the caller's transaction, seen by every machine, gone with a rollback."""

    def _save(self, name: str, content: "File[Any]") -> str:
        StoredFile.objects.create(name=name, content=content.read())
        return name

    def _open(self, name: str, mode: str = "rb") -> "File[Any]":
        with _as_before():
            content = StoredFile.objects.content_of(name)
        if content is None:
            raise FileNotFoundError(name)
        return ContentFile(content, name=name)

    def delete(self, name: str) -> None:
        """Remove the row."""
        StoredFile.objects.filter(name=name).delete()

    def exists(self, name: str) -> bool:
        """Whether there is one of this name."""
        return StoredFile.objects.filter(name=name).exists()

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """The files of a folder; folders in it are not told."""
        folder = f"{path.rstrip('/')}/"
        return [], [name.removeprefix(folder) for name in StoredFile.objects.names_below(folder)]

    def size(self, name: str) -> int:
        """Bytes."""
        return len(self._open(name).read())

    def get_modified_time(self, name: str) -> datetime:
        """When it was stored."""
        try:
            found: datetime = StoredFile.objects.only("created_at").get(name=name).created_at
        except StoredFile.DoesNotExist:
            raise FileNotFoundError(name) from None
        return found


@contextmanager
def _as_before() -> Iterator[None]:
    """Give the connection back where this thread had none before: a sender's thread needs it for this alone."""
    using = router.db_for_read(StoredFile)
    connection = connections[using]
    had_one = connection.connection is not None
    try:
        yield
    finally:
        if not had_one and not transaction.get_connection(using).in_atomic_block:
            connection.close()
