"""Write rows as JSON values with the fields of a serializer, which are built once for each class.

The REST framework builds all fields for each instance of a ModelSerializer: that takes longer than anything else in
most requests, and the result is always the same. `fields` itself stays as it is, for input and the OpenAPI document.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from rest_framework import serializers as drf
from rest_framework.fields import SkipField
from rest_framework.relations import PKOnlyObject

Write = Callable[[Any, Any], Any]  # of a serializer and a row


class BuildsFieldsOnce:
    """A mixin of serializers: `to_representation` with the fields of the class.

    A field that an instance changes or adds has no effect on its output; nested serializers see no context.
    """

    def to_representation(self, instance: Any) -> dict[str, Any]:
        result = {}
        serializer_class: Any = type(self)
        for name, write in _writers(serializer_class):
            try:
                result[name] = write(self, instance)
            except SkipField:
                continue
        return result


@cache
def _writers(serializer_class: type[Any]) -> list[tuple[str, Write]]:
    fields = serializer_class().fields
    return [(name, _writer(field)) for name, field in fields.items() if not field.write_only]


def _writer(field: Any) -> Write:
    if isinstance(field, drf.SerializerMethodField):
        method = field.method_name or ""
        return lambda serializer, row: getattr(serializer, method)(row)
    convert = PLAIN.get(type(field).to_representation)
    return _plain(field, convert) if convert else lambda _, row: _generic(field, field.get_attribute(row))


def _plain(field: Any, convert: Callable[[Any], Any]) -> Write:
    """A shorter way through a field that converts a value regardless of how it is declared."""
    read = attrgetter(field.source)

    def write(serializer: Any, row: Any) -> Any:
        try:
            value = read(row)
        except (AttributeError, ObjectDoesNotExist):  # a mapping, or a missing value, for which the field has a rule
            return _generic(field, field.get_attribute(row))
        if callable(value):
            value = value()
        return None if value is None else convert(value)

    return write


def _generic(field: Any, value: Any) -> Any:
    if (value.pk if isinstance(value, PKOnlyObject) else value) is None:
        return None
    return field.to_representation(value)


def _time(value: datetime | str) -> str:
    """A time in UTC, ending in Z, as the REST framework writes it."""
    if isinstance(value, str):
        return value
    return value.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


PLAIN: dict[Any, Callable[[Any], Any]] = {
    drf.CharField.to_representation: str,
    drf.IntegerField.to_representation: int,
    drf.BooleanField.to_representation: bool,
    drf.UUIDField.to_representation: str,
    drf.DateTimeField.to_representation: _time,
}
