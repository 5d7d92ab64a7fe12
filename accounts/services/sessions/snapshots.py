"""Rows as JSON and back: what the shared cache stores of a session and its user."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import DateTimeField, Field, GeneratedField, Model, UUIDField

SECRET = {"password"}  # never leaves the database; a restored user loads it on access


def dump(row: Model) -> list[Any]:
    """The values of the row's columns, in the order of its model."""
    return [_to_json(getattr(row, field.attname)) for field in _fields(row.__class__)]


def load(model: type[Model], values: list[Any]) -> Any:
    """The row that `dump` took the values of; columns that are not among them are loaded on access."""
    fields = _fields(model)
    row = [_READERS.get(type(field), _unchanged)(value) for field, value in zip(fields, values, strict=True)]
    return model.from_db(DEFAULT_DB_ALIAS, [field.attname for field in fields], row)


@cache
def _fields(model: type[Model]) -> "tuple[Field[Any, Any], ...]":
    stored = (field for field in model._meta.concrete_fields if not isinstance(field, GeneratedField))
    return tuple(field for field in stored if field.attname not in SECRET)


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _unchanged(value: Any) -> Any:
    return value


def _datetime(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


_READERS: dict[type, Any] = {DateTimeField: _datetime, UUIDField: UUID}
