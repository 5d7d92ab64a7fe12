"""Extensions of drf-spectacular: the schema of texts, rules across fields, and the errors of a view."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.validators import RegexValidator
from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from rest_framework import serializers

from foodfleet.core.exceptions import BaseAppException
from foodfleet.core.http.serializers import NOT_BLANK, CharField

Target = TypeVar("Target", bound=Callable[..., Any])


def raises(*exceptions: type[BaseAppException]) -> Callable[[Target], Target]:
    """Declare the exceptions that a view method, or each method of a view class, may raise.

    `foodfleet.openapi.errors` adds them to the OpenAPI document, besides the errors that follow from the view's other
    declarations, which need not be named. A test fails for a response that the document does not contain.
    """

    def declare(target: Target) -> Target:
        target.raised = exceptions  # type: ignore[attr-defined]
        return target

    return declare


class TextInSchema(OpenApiSerializerFieldExtension):
    """The schema of a text field: that of its class, and a pattern if it must not be blank."""

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
    """Adds the `schema_rules` of a serializer class, which concern several fields."""

    target_class = serializers.Serializer
    match_subclasses = True
    priority = -2  # after drf-spectacular's own, which are for single classes

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        for described in schema.get("properties", {}).values():
            for one in described.get("oneOf", ()):  # a text with a pattern, or ''; their default belongs above both
                if "default" in one:
                    described["default"] = one.pop("default")
        rules: dict[str, Any] = getattr(self.target, "schema_rules", {})
        return {**schema, **rules} if direction == "request" else schema
