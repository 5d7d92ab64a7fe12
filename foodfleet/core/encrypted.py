"""Which columns hold what is encrypted under ENCRYPTION_KEYS, and which of the keys they rest on.

An app registers its columns in `ready()`. So a new one is re-encrypted and checked without anybody thinking of it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core import checks
from django.db import DatabaseError, models

from foodfleet.core import crypto

BATCH = 500
LOOKED_AT = 1_000  # rows of a column that the system check reads, the oldest first


@dataclass(frozen=True)
class Column:
    """A text column of boxes made by `crypto.encrypt` for one purpose; '' where there is none."""

    title: str
    model: type[models.Model]
    name: str
    purpose: str


@dataclass
class Standing:
    """What rests on which key. by_key: rows by the position of the key, the newest is 0. unreadable: on none."""

    moved: int = 0
    by_key: Counter[int] = field(default_factory=Counter)
    unreadable: int = 0

    @property
    def is_current(self) -> bool:
        """Whether only the newest key is needed."""
        return not self.unreadable and not any(key for key, count in self.by_key.items() if count)


COLUMNS: list[Column] = []


def reencrypt(column: Column) -> Standing:
    """Put every box of a column under the newest key, a batch at a time.

    A row that is changed meanwhile is left alone: whoever changed it used the newest key.
    """
    standing = Standing()
    for pk, box in _boxes(column):
        key = crypto.key_of(box, purpose=column.purpose)
        if key:
            moved = crypto.rotate(box, purpose=column.purpose)
            rows: Any = column.model._base_manager.filter(pk=pk, **{column.name: box})
            standing.moved += rows.update(**{column.name: moved})
        _count(standing, None if key is None else 0)
    return standing


def look(column: Column, most: int | None = None) -> Standing:
    """What a column rests on; changes nothing. most: rows to look at."""
    standing = Standing()
    for number, (_pk, box) in enumerate(_boxes(column)):
        if number == most:
            break
        _count(standing, crypto.key_of(box, purpose=column.purpose))
    return standing


def _count(standing: Standing, key: int | None) -> None:
    if key is None:
        standing.unreadable += 1
    else:
        standing.by_key[key] += 1


def _boxes(column: Column) -> Iterator[tuple[Any, str]]:
    rows = column.model._base_manager.exclude(**{column.name: ""}).order_by("pk").values_list("pk", column.name)
    batch = list(rows[:BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:BATCH])


@checks.register(checks.Tags.database)
def check_keys(databases: Sequence[str] | None = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """`check --database default`: which of ENCRYPTION_KEYS may not be removed yet, and what no key opens."""
    found: list[checks.CheckMessage] = []
    for column in COLUMNS if databases else ():
        try:
            standing = look(column, LOOKED_AT)
        except DatabaseError:  # the tables are not there yet, or not as this version knows them
            continue
        if not standing.is_current:
            hint = "Run manage.py reencrypt_secrets before an old key is removed from ENCRYPTION_KEYS."
            found.append(checks.Warning(described(column, standing), hint=hint, id="foodfleet.W001"))
    return found


def described(column: Column, standing: Standing) -> str:
    """One line that names no key, but its place in ENCRYPTION_KEYS."""
    parts = [f"{count} under key {key + 1}" for key, count in sorted(standing.by_key.items())]
    parts += [f"{standing.unreadable} that no key of ENCRYPTION_KEYS opens"] if standing.unreadable else []
    return f"{column.title}: {', '.join(parts) or 'none'}"
