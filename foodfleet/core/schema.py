"""What the OpenAPI document says of every call alike: the form of errors."""

from typing import Any

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


def describe_errors(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A drf-spectacular postprocessing hook: adds the envelope as the `default` answer of every operation."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ENVELOPE
    answer = {
        "description": "Any error.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    for path in result["paths"].values():
        for method in METHODS:
            if method in path:
                path[method]["responses"]["default"] = answer
    return result
