"""The columns encrypted with ENCRYPTION_KEYS, and which of the keys they need.

An app registers its columns in `ready()`, so that they are re-encrypted and checked.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core import checks
from django.db import DatabaseError, models

from foodfleet.core import crypto

BATCH = 500
PUT_BACK = (
    "Add the key they were encrypted with to ENCRYPTION_KEYS "
    "(without ENCRYPTION_KEYS, the old SECRET_KEY to SECRET_KEY_FALLBACKS)."
)
CHECKED_ROWS = 1_000  # rows of a column that the system check reads, oldest first


@dataclass(frozen=True)
class Column:
    """A text column with ciphertexts of `crypto.encrypt` for one purpose, or ''."""

    title: str
    model: type[models.Model]
    name: str
    purpose: str


@dataclass
class KeyUsage:
    """How many rows need which key.

    moved: rows that were re-encrypted. by_key: rows by index of the key, 0 for the newest. unreadable: rows that no key
    decrypts.
    """

    moved: int = 0
    by_key: Counter[int] = field(default_factory=Counter)
    unreadable: int = 0

    @property
    def is_current(self) -> bool:
        """Whether only the newest key is needed."""
        return not self.unreadable and not any(key for key, count in self.by_key.items() if count)


COLUMNS: list[Column] = []


def reencrypt(column: Column) -> KeyUsage:
    """Re-encrypt a column with the newest key, in batches.

    Rows that change meanwhile are skipped: they were written with the newest key.
    """
    usage = KeyUsage()
    for pk, ciphertext in _ciphertexts(column):
        key = crypto.key_of(ciphertext, purpose=column.purpose)
        if key:
            moved = crypto.rotate(ciphertext, purpose=column.purpose)
            rows: Any = column.model._base_manager.filter(pk=pk, **{column.name: ciphertext})
            usage.moved += rows.update(**{column.name: moved})
        _count(usage, None if key is None else 0)
    return usage


def look(column: Column, most: int | None = None) -> KeyUsage:
    """Return which keys a column needs. most: the number of rows to read, None for all."""
    usage = KeyUsage()
    for number, (_pk, ciphertext) in enumerate(_ciphertexts(column)):
        if number == most:
            break
        _count(usage, crypto.key_of(ciphertext, purpose=column.purpose))
    return usage


def _count(usage: KeyUsage, key: int | None) -> None:
    if key is None:
        usage.unreadable += 1
    else:
        usage.by_key[key] += 1


def _ciphertexts(column: Column) -> Iterator[tuple[Any, str]]:
    rows = column.model._base_manager.exclude(**{column.name: ""}).order_by("pk").values_list("pk", column.name)
    batch = list(rows[:BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:BATCH])


@checks.register(checks.Tags.database)
def check_keys(databases: Sequence[str] | None = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Warn in `check --database default` of old keys that are still needed and of unreadable rows."""
    found: list[checks.CheckMessage] = []
    for column in COLUMNS if databases else ():
        try:
            usage = look(column, CHECKED_ROWS)
        except DatabaseError:  # the tables do not exist yet, or have another version
            continue
        if not usage.is_current:
            hint = PUT_BACK if usage.unreadable else "Run manage.py reencrypt_secrets before an old key is removed."
            found.append(checks.Warning(described(column, usage), hint=hint, id="foodfleet.W002"))
    return found


def described(column: Column, usage: KeyUsage) -> str:
    """Return a line that identifies keys by their position in ENCRYPTION_KEYS."""
    parts = [f"{count} under key {key + 1}" for key, count in sorted(usage.by_key.items())]
    parts += [f"{usage.unreadable} that no key of ENCRYPTION_KEYS decrypts"] if usage.unreadable else []
    return f"{column.title}: {', '.join(parts) or 'none'}"
