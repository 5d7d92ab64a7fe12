"""What the OpenAPI document says of texts, of fields together, and of the errors that a view names."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.validators import RegexValidator
from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from rest_framework import serializers

from foodfleet.core.exceptions import BaseAppException
from foodfleet.core.http.serializers import CharField

NOT_BLANK = r"\S"
Target = TypeVar("Target", bound=Callable[..., Any])


def raises(*exceptions: type[BaseAppException]) -> Callable[[Target], Target]:
    """Name what the service behind a method of a view, or behind each method of a view class, raises.

    `foodfleet.openapi.errors` puts them into the OpenAPI document, with the errors that follow from the view's
    declarations: those need no naming. A test fails for an answer that the document does not have.
    """

    def declare(target: Target) -> Target:
        target.raised = exceptions  # type: ignore[attr-defined]
        return target

    return declare


class TextInSchema(OpenApiSerializerFieldExtension):
    """How a text stands in the document: what its class says of it, and that it is not blank where it must not be."""

    target_class = serializers.CharField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        field: serializers.CharField = self.target
        schema: dict[str, Any] = auto_schema._map_serializer_field(field, direction, bypass_extensions=True)
        if direction == "request" and not field.read_only:
            has_rule = "format" in schema or any(isinstance(rule, RegexValidator) for rule in field.validators)
            if not (field.allow_blank or has_rule) and field.trim_whitespace:
                schema["pattern"] = NOT_BLANK
            schema |= field.schema if isinstance(field, CharField) else {}
        return schema


class RulesInSchema(OpenApiSerializerExtension):
    """What a serializer's class says of its fields together, in `schema_rules`."""

    target_class = serializers.Serializer
    match_subclasses = True
    priority = -2  # after the library's own, which are for single classes

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        for described in schema.get("properties", {}).values():
            for one in described.get("oneOf", ()):  # a text with a pattern, or the empty one: the default of both
                if "default" in one:
                    described["default"] = one.pop("default")
        rules: dict[str, Any] = getattr(self.target, "schema_rules", {})
        return {**schema, **rules} if direction == "request" else schema
