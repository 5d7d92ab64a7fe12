"""Serialize rows with fields that are built once for each serializer class.

The REST framework builds all fields for each instance of a ModelSerializer: that takes longer than anything else in
most requests, and the result is always the same. `fields` is unchanged, for input and the OpenAPI document.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from rest_framework import serializers as drf
from rest_framework.fields import SkipField
from rest_framework.relations import PKOnlyObject

Write = Callable[[Any, Any], Any]  # of a serializer and a row


@dataclass(frozen=True)
class _Fields:
    """The output fields of a serializer class for rows of one class.

    empty: the result before fields are written. plain: fields that convert an attribute of the row; `read` returns all
    these attributes. others: all other fields. each: all fields.
    """

    empty: dict[str, Any]
    plain: list[tuple[str, Callable[[Any], Any]]]
    read: Callable[[Any], tuple[Any, ...]]
    others: list[tuple[str, Write]]
    each: list[tuple[str, Write]]


class BuildsFieldsOnce:
    """A mixin of serializers: `to_representation` with the fields of the class.

    Fields that an instance changes or adds have no effect on the output; nested serializers get no context.
    """

    def to_representation(self, instance: Any) -> dict[str, Any]:
        serializer_class: Any = type(self)
        row_class: Any = instance.__class__  # of the object in a lazy wrapper, such as `request.user`
        fields = _fields(serializer_class, row_class)
        result = fields.empty.copy()
        try:
            values = fields.read(instance)
        except (AttributeError, ObjectDoesNotExist):  # a missing value, which its field handles
            return self._written(instance, fields.each, result)
        for (name, convert), value in zip(fields.plain, values):  # noqa: B905  `read` returns two more
            result[name] = None if value is None else convert(value)
        return self._written(instance, fields.others, result)

    def _written(self, row: Any, writers: list[tuple[str, Write]], result: dict[str, Any]) -> dict[str, Any]:
        for name, write in writers:
            try:
                result[name] = write(self, row)
            except SkipField:
                del result[name]
        return result


@cache
def _fields(serializer_class: type[Any], row_class: type[Any]) -> _Fields:
    fields = {name: field for name, field in serializer_class().fields.items() if not field.write_only}
    plain = {name: field for name, field in fields.items() if _is_plain(field, row_class)}
    sources = [field.source for field in plain.values()]
    return _Fields(
        empty=dict.fromkeys(fields),
        plain=[
            (name, PLAIN.get(type(field).to_representation, field.to_representation)) for name, field in plain.items()
        ],
        read=attrgetter(*sources, "__class__", "__class__"),  # for fewer than two names it returns no tuple
        others=[(name, _writer(field)) for name, field in fields.items() if name not in plain],
        each=[(name, _writer(field)) for name, field in fields.items()],
    )


def _is_plain(field: Any, row_class: type[Any]) -> bool:
    """Return whether the value is an attribute of the row: no key of a mapping, and no method, which is called."""
    is_attribute = "." not in field.source and field.source != "*" and not issubclass(row_class, Mapping)
    uses_attribute = type(field).get_attribute is drf.Field.get_attribute
    return is_attribute and uses_attribute and not callable(getattr(row_class, field.source, None))


def _writer(field: Any) -> Write:
    if isinstance(field, drf.SerializerMethodField):
        method = field.method_name or ""
        return lambda serializer, row: getattr(serializer, method)(row)
    return lambda _, row: _generic(field, field.get_attribute(row))


def _generic(field: Any, value: Any) -> Any:
    if (value.pk if isinstance(value, PKOnlyObject) else value) is None:
        return None
    return field.to_representation(value)


def _time(value: datetime | str) -> str:
    """Return a time in UTC, ending in Z, as the REST framework writes it."""
    if isinstance(value, str):
        return value
    in_utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return in_utc.isoformat().removesuffix("+00:00") + "Z"


PLAIN: dict[Any, Callable[[Any], Any]] = {
    drf.CharField.to_representation: str,
    drf.IntegerField.to_representation: int,
    drf.BooleanField.to_representation: bool,
    drf.UUIDField.to_representation: str,
    drf.DateTimeField.to_representation: _time,
}
