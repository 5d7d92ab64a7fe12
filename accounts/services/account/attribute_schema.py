"""The JSON Schema (draft 2020-12) of custom user attributes in the setting USER_ATTRIBUTES.

Each property may say who sees it (`x-visible`) and who changes it (`x-editable`); docs/attributes.md lists the values.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from django.conf import settings
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry

from accounts.states import Audience

NAME = re.compile(r"[a-z](?:_?[a-z0-9])*")
LONGEST_NAME = 63
FLAGS = {"true": True, "1": True, "yes": True, "t": True, "false": False, "0": False, "no": False, "f": False}


@dataclass(frozen=True)
class Attribute:
    """A custom attribute, as a property of the schema describes it."""

    name: str
    title: str
    kind: str
    choices: tuple[Any, ...]
    visible: Audience
    editable: Audience

    def is_visible_to(self, audience: Audience) -> bool:
        """Return whether the owner (OWNER) or staff (STAFF) see it."""
        return self.visible is Audience.OWNER or self.visible is audience

    def is_editable_by(self, audience: Audience) -> bool:
        """Return whether the owner (OWNER), staff (STAFF) or an import (IMPORT) may change it."""
        return audience is Audience.IMPORT or self.editable is Audience.OWNER or self.editable is audience

    def from_text(self, text: str) -> Any:
        """Parse the text of a query parameter, form field or column; return the text itself if it cannot be parsed."""
        parse = FROM_TEXT.get(self.kind)
        try:
            return parse(text) if parse else text
        except (KeyError, ValueError, RecursionError):
            return text

    def from_form(self, value: Any) -> Any:
        """Return the value of a form field; None if the field is empty."""
        if value in (None, ""):
            return None
        return self.from_text(value) if isinstance(value, str) else value


FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "number": lambda text: _finite(float(text)),
    "boolean": lambda text: FLAGS[text.lower()],
    "array": json.loads,
    "object": json.loads,
}
SCALARS = frozenset({"string", "integer", "number", "boolean"})
KINDS = SCALARS | {"array", "object"}


def _finite(number: float) -> float:
    if not isfinite(number):
        raise ValueError("not a number of JSON")
    return number


@dataclass(frozen=True)
class Schema:
    """The attributes by name, and the validator of their values."""

    attributes: Mapping[str, Attribute]
    validator: Any

    def visible_to(self, audience: Audience) -> list[Attribute]:
        """Return the attributes that this audience sees, in the order of the schema."""
        return [one for one in self.attributes.values() if one.is_visible_to(audience)]

    def editable_by(self, audience: Audience) -> list[Attribute]:
        """Return the attributes that this audience sees and may change, in the order of the schema."""
        return [one for one in self.visible_to(audience) if one.is_editable_by(audience)]


class _Cache:
    """The parsed schema of one document, for as long as the setting is the same object."""

    def __init__(self) -> None:
        self._entry: tuple[Any, Schema] | None = None

    def get(self, document: Any) -> Schema:
        entry = self._entry
        if entry is None or entry[0] is not document:
            entry = self._entry = (document, _parse(document))
        return entry[1]


_CACHE = _Cache()


class InvalidSchemaError(ValueError):
    """USER_ATTRIBUTES is not a usable schema; the text says why."""


def current() -> Schema:
    """Return the schema of USER_ATTRIBUTES, which is empty if the setting is. Raises InvalidSchemaError."""
    return _CACHE.get(settings.USER_ATTRIBUTES)


def ensure_valid() -> None:
    """Exit with a one-line error if USER_ATTRIBUTES is invalid."""
    try:
        current()
    except InvalidSchemaError as error:
        sys.exit(f"FoodFleet cannot start. USER_ATTRIBUTES has a wrong value: {error}.")


def _parse(setting: Any) -> Schema:
    document = setting or {"properties": {}}
    try:
        Draft202012Validator.check_schema(document)
    except (SchemaError, RecursionError):
        raise InvalidSchemaError("it must be a JSON Schema of draft 2020-12") from None
    properties = document.get("properties")
    if document.get("type", "object") != "object" or not isinstance(properties, dict):
        raise InvalidSchemaError("its type must be object, with properties")
    if "required" in document:
        raise InvalidSchemaError("it must not have required: people register without attributes")
    attributes = {name: _attribute(name, about) for name, about in properties.items()}
    closed = {**document, "additionalProperties": False}
    # The registry is empty, so that a $ref never makes a request.
    validator = Draft202012Validator(closed, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    return Schema(attributes, validator)


def _attribute(name: str, about: Any) -> Attribute:
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise InvalidSchemaError(f"{name} must be lower-case letters, digits and single underscores")
    described = about if isinstance(about, dict) else {}
    kind, visible, editable = (described.get(key) for key in ("type", "x-visible", "x-editable"))
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidSchemaError(f"{name} must have one type")
    if visible not in (None, "owner", "staff", "hidden"):
        raise InvalidSchemaError(f"x-visible of {name} must be owner, staff or hidden")
    if editable not in (None, "owner", "staff", "import"):
        raise InvalidSchemaError(f"x-editable of {name} must be owner, staff or import")
    default = "import" if visible == "hidden" else "staff"
    shown_to, changed_by = Audience(visible or "owner"), Audience(editable or default)
    if (changed_by is Audience.OWNER and shown_to is not Audience.OWNER) or (
        changed_by is Audience.STAFF and shown_to is Audience.HIDDEN
    ):
        raise InvalidSchemaError(f"{name} must be visible to everyone who may change it")
    title = described.get("title") or name.replace("_", " ").capitalize()
    return Attribute(name, title, kind, tuple(described.get("enum", ())), shown_to, changed_by)
