"""Serializers of the REST framework whose fields accept exactly the types in the OpenAPI document.

The framework's own fields accept a number as text, `"yes"` and `1` as true, and `"12"` as a number, which hides client
errors. Import this module instead of `rest_framework.serializers`. In query strings and forms all values are text, so
numbers and the words `true` and `false` are converted.
"""

import re
from typing import Any, ClassVar, TypeVar

from django.db import models
from rest_framework import serializers as drf
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.serializers import (
    DateTimeField,
    DictField,
    Field,
    FileField,
    JSONField,
    ListField,
    SerializerMethodField,
    UUIDField,
    ValidationError,
)
from rest_framework.utils import html
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from foodfleet.core.http.bodies.representation import BuildsFieldsOnce

__all__ = [
    "BooleanField",
    "CharField",
    "ChoiceField",
    "ContentField",
    "DateTimeField",
    "DictField",
    "EmailField",
    "Field",
    "FileField",
    "IntegerField",
    "JSONField",
    "ListField",
    "ModelSerializer",
    "Serializer",
    "SerializerMethodField",
    "UUIDField",
    "ValidationError",
    "empty",
    "validated",
]

NOT_BLANK = r"[^\s\x1c-\x1f\x85]"  # these are no white space for regular expressions of JSON Schema
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,19}")
WORDS = {"true": True, "false": False}


def _is_text_only(field: Any) -> bool:
    """Return whether the field belongs to a query string or a form."""
    return html.is_html_input(getattr(field.root, "initial_data", None))


class _SurrogateValidator(ProhibitSurrogateCharactersValidator):
    """The REST framework's validator, which checks each character, with a shortcut for ASCII."""

    def __call__(self, value: Any) -> None:
        if not str(value).isascii():
            super().__call__(value)


class CharField(drf.CharField):
    """Text. schema: additional properties in the OpenAPI document."""

    schema: ClassVar[dict[str, Any]] = {}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = [
            _SurrogateValidator() if type(one) is ProhibitSurrogateCharactersValidator else one
            for one in self.validators
        ]

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class ContentField(CharField):
    """Text that stays as it was typed and is not blank."""

    schema: ClassVar[dict[str, Any]] = {"pattern": NOT_BLANK}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if not value.strip():
            self.fail("blank")
        return value


class EmailField(CharField, drf.EmailField):
    """An e-mail address."""


class IntegerField(drf.IntegerField):
    """A whole number."""

    def to_internal_value(self, data: Any) -> int:
        if _is_text_only(self):
            if not WHOLE_NUMBER.fullmatch(str(data)):
                self.fail("invalid")
        elif not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class BooleanField(drf.BooleanField):
    """True or false."""

    def to_internal_value(self, data: Any) -> bool:
        # For a form without the field, `data` is False and not a text.
        value = WORDS.get(data) if isinstance(data, str) and _is_text_only(self) else data
        if not isinstance(value, bool):
            self.fail("invalid", input=data)
        return value


class ChoiceField(drf.ChoiceField):
    """One of several texts."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


Value = TypeVar("Value")
Row = TypeVar("Row", bound=models.Model)


class Serializer(BuildsFieldsOnce, drf.Serializer[Value]):
    """A serializer with the fields of this module."""


class ModelSerializer(BuildsFieldsOnce, drf.ModelSerializer[Row]):
    """A serializer of rows with the fields of this module."""

    serializer_field_mapping: ClassVar[dict[Any, Any]] = {
        **drf.ModelSerializer.serializer_field_mapping,
        models.CharField: CharField,
        models.TextField: CharField,
        models.EmailField: EmailField,
        models.IntegerField: IntegerField,
        models.BooleanField: BooleanField,
    }
    serializer_choice_field = ChoiceField


def validated(request: Request, serializer_class: type[Any]) -> dict[str, Any]:
    """Return the validated body. Raises the REST framework's ValidationError."""
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
