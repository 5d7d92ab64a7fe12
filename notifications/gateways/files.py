"""The storage of attachments until their e-mail is sent: the Django storage that ATTACHMENTS_URL names.

The default is the database, because web processes and workers on all machines must have the same files.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, default_storage, storages
from django.db import DatabaseError, InterfaceError, connections, router, transaction

from notifications.models import StoredFile


class FilesUnavailableError(OSError):
    """The storage of attachments is unavailable."""


def save(name: str, content: bytes) -> str:
    """Store a file and return the name to read it by. Raises OSError."""
    with _translated():
        return str(_storage().save(name, ContentFile(content)))


def read(name: str) -> bytes:
    """Return the content of a file. Raises FileNotFoundError, or another OSError if the storage is unavailable.

    Files of e-mails that were queued before ATTACHMENTS_URL was set may still be in the folder var/media.
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
    """Remove a file if it exists. Raises OSError."""
    with _translated():
        _storage().delete(name)
    default_storage.delete(name)


def names_in(folder: str) -> set[str]:
    """Return the names of the files in a folder. Raises OSError."""
    try:
        with _translated():
            return {f"{folder}/{name}" for name in _storage().listdir(folder)[1]}
    except FileNotFoundError:
        return set()


def modified_at(name: str) -> datetime:
    """Return when a file was last written. Raises OSError."""
    with _translated():
        return _storage().get_modified_time(name)


def _storage() -> Storage:
    return storages["attachments"]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except getattr(_storage(), "unavailable_errors", ()) as error:
        raise FilesUnavailableError(type(error).__name__) from error


class DatabaseStorage(Storage):
    """Stores files as rows, in the transaction of the caller."""

    def _save(self, name: str, content: "File[Any]") -> str:
        StoredFile.objects.create(name=name, content=content.read())
        return name

    def _open(self, name: str, mode: str = "rb") -> "File[Any]":
        with _without_new_connection():
            content = StoredFile.objects.content_of(name)
        if content is None:
            raise FileNotFoundError(name)
        return ContentFile(content, name=name)

    def delete(self, name: str) -> None:
        """Remove the row."""
        StoredFile.objects.filter(name=name).delete()

    def exists(self, name: str) -> bool:
        """Return whether there is a file with this name."""
        return StoredFile.objects.filter(name=name).exists()

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the files of a folder, without folders in it."""
        folder = f"{path.rstrip('/')}/"
        return [], [name.removeprefix(folder) for name in StoredFile.objects.names_below(folder)]

    def size(self, name: str) -> int:
        """Return the number of bytes."""
        return len(self._open(name).read())

    def get_modified_time(self, name: str) -> datetime:
        """Return when it was stored."""
        try:
            found: datetime = StoredFile.objects.only("created_at").get(name=name).created_at
        except StoredFile.DoesNotExist:
            raise FileNotFoundError(name) from None
        return found


@contextmanager
def _without_new_connection() -> Iterator[None]:
    """Close the connection afterwards if this thread had none before: sender threads need it only here."""
    using = router.db_for_read(StoredFile)
    connection = connections[using]
    had_one = connection.connection is not None
    try:
        yield
    finally:
        if not had_one and not transaction.get_connection(using).in_atomic_block:
            connection.close()
