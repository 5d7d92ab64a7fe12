"""Rows as values of JSON, and back: what the shared cache keeps of a session and its user."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import DateTimeField, Field, GeneratedField, Model, UUIDField

SECRET = {"password"}  # never leaves the database; whoever asks for it on a restored user reads it there


def taken(row: Model) -> list[Any]:
    """The row's own columns, in the order of its model."""
    return [_plain(getattr(row, field.attname)) for field in _fields(row.__class__)]


def restored(model: type[Model], values: list[Any]) -> Any:
    """The row that `values` were taken of; what is not among them is read when somebody asks for it."""
    fields = _fields(model)
    row = [_READERS.get(type(field), _as_it_is)(value) for field, value in zip(fields, values, strict=True)]
    return model.from_db(DEFAULT_DB_ALIAS, [field.attname for field in fields], row)


@cache
def _fields(model: type[Model]) -> "tuple[Field[Any, Any], ...]":
    kept = (field for field in model._meta.concrete_fields if not isinstance(field, GeneratedField))
    return tuple(field for field in kept if field.attname not in SECRET)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _as_it_is(value: Any) -> Any:
    return value


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


_READERS: dict[type, Any] = {DateTimeField: _moment, UUIDField: UUID}
