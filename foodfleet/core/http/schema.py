"""What the OpenAPI document says of every call alike: which errors it answers, in which form, and of texts."""

from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from rest_framework import serializers

from foodfleet.core.http.serializers import CharField

ENVELOPE = {
    "type": "object",
    "required": ["error", "code", "details", "request_id"],
    "properties": {
        "error": {"type": "string", "description": "A sentence for a person."},
        "code": {"type": "string", "description": "Stable; programs decide by it."},
        "details": {
            "type": "object",
            "additionalProperties": True,
            "description": "For wrong fields: each field with a list of {message, code}.",
        },
        "request_id": {"type": "string"},
    },
}
METHODS = ("get", "post", "put", "patch", "delete")
BODY_METHODS = ("post", "put", "patch")
NOT_BLANK = r"\S"

# Each status that a call may answer, with the codes of its errors (foodfleet.core.http.errors; services add their own).
ERRORS = {
    "400": "The request could not be read: `malformed_request`.",
    "401": "`not_authenticated`, `invalid_token`, `invalid_credentials`, `account_locked` or `invalid_2fa_code`.",
    "403": "`insufficient_permissions`, or what has to be done first, such as `two_factor_required`.",
    "404": "`not_found`, or more exactly, such as `user_not_found`.",
    "406": "Answers are JSON: `not_acceptable`.",
    "409": "It contradicts what is there: `conflict`, or more exactly.",
    "413": "`payload_too_large`.",
    "415": "Bodies are JSON: `unsupported_media_type`.",
    "422": "Fields are wrong: `validation_error` with `details` for each, or more exactly, such as `weak_password`.",
    "429": "`throttled`; the header `Retry-After` says how many seconds to wait.",
    "503": "`service_unavailable`; try again after `Retry-After` seconds.",
}
ANYWHERE = ("400", "401", "403", "404", "406", "429", "503")
CHANGING = ("409", "422")
WITH_A_BODY = ("413", "415")


def describe_errors(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A drf-spectacular postprocessing hook: adds the errors that each operation may answer, with the envelope."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Error"] = ENVELOPE
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    components["responses"] = {
        f"Error{status}": {"description": description, "content": content} for status, description in ERRORS.items()
    }
    for path in result["paths"].values():
        for method in METHODS:
            if method in path:
                for status in _statuses(path[method], method):
                    path[method]["responses"].setdefault(status, {"$ref": f"#/components/responses/Error{status}"})
    return result


def _statuses(operation: dict[str, Any], method: str) -> list[str]:
    in_query = any(parameter["in"] != "path" for parameter in operation.get("parameters", []))
    statuses = [*ANYWHERE]
    if method != "get":
        statuses += CHANGING
    elif in_query:
        statuses.append("422")
    return [*statuses, *WITH_A_BODY] if method in BODY_METHODS else statuses


class TextInSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
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


class RulesInSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """What a serializer's class says of its fields together, in `schema_rules`."""

    target_class = serializers.Serializer
    match_subclasses = True
    priority = -2  # after the library's own, which are for single classes

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        rules: dict[str, Any] = getattr(self.target, "schema_rules", {})
        return {**schema, **rules} if direction == "request" else schema
