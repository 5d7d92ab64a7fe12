"""The custom attributes of users that USER_ATTRIBUTES describes, a JSON Schema of draft 2020-12.

Each property may say who sees it (`x-visible`) and who changes it (`x-editable`); docs/attributes.md has the words.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
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
    """One attribute."""

    name: str
    title: str
    kind: str
    choices: tuple[Any, ...]
    visible: Audience
    editable: Audience

    def is_visible_to(self, audience: Audience) -> bool:
        """Whether it is shown to the owner (OWNER) or to staff (STAFF)."""
        return self.visible is Audience.OWNER or self.visible is audience

    def is_editable_by(self, audience: Audience) -> bool:
        """Whether the owner (OWNER), staff (STAFF) or an import (IMPORT) may change it."""
        return audience is Audience.IMPORT or self.editable is Audience.OWNER or self.editable is audience

    def from_text(self, text: str) -> Any:
        """The value that a query parameter, a form or a column gives as text; the text itself if it is none."""
        parse = FROM_TEXT.get(self.kind)
        try:
            return parse(text) if parse else text
        except (KeyError, ValueError, RecursionError):
            return text

    def from_form(self, value: Any) -> Any:
        """The value of a form field; None for an empty one."""
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
    """The attributes by name, and what validates their values."""

    attributes: Mapping[str, Attribute]
    validator: Any

    def visible_to(self, audience: Audience) -> list[Attribute]:
        """Those that this audience sees, in the order of the file."""
        return [one for one in self.attributes.values() if one.is_visible_to(audience)]

    def editable_by(self, audience: Audience) -> list[Attribute]:
        """Those that this audience sees and changes, in the order of the file."""
        return [one for one in self.visible_to(audience) if one.is_editable_by(audience)]


class _Latest:
    """The schema of the document that was read last, which is the same object until the setting changes."""

    def __init__(self) -> None:
        self._known: tuple[Any, Schema] | None = None

    def of(self, document: Any) -> Schema:
        known = self._known
        if known is None or known[0] is not document:
            known = self._known = (document, _parsed(json.dumps(document)))
        return known[1]


_LATEST = _Latest()


class WrongSchemaError(ValueError):
    """USER_ATTRIBUTES cannot be used; the text says why."""


def current() -> Schema:
    """The schema of USER_ATTRIBUTES; without one there are no attributes."""
    return _LATEST.of(settings.USER_ATTRIBUTES)


def ensure_schema_fits() -> None:
    """Exit with one line where USER_ATTRIBUTES is no schema of attributes."""
    try:
        current()
    except WrongSchemaError as error:
        sys.exit(f"FoodFleet cannot start. USER_ATTRIBUTES has a wrong value: {error}.")


@lru_cache(maxsize=8)
def _parsed(text: str) -> Schema:
    document = json.loads(text) or {"properties": {}}
    try:
        Draft202012Validator.check_schema(document)
    except (SchemaError, RecursionError):
        raise WrongSchemaError("it must be a JSON Schema of draft 2020-12") from None
    properties = document.get("properties")
    if document.get("type", "object") != "object" or not isinstance(properties, dict):
        raise WrongSchemaError("its type must be object, with properties")
    if "required" in document:
        raise WrongSchemaError("it must not have required: people register without attributes")
    attributes = {name: _attribute(name, about) for name, about in properties.items()}
    closed = {**document, "additionalProperties": False}
    # An empty registry: a $ref never makes a request.
    validator = Draft202012Validator(closed, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    return Schema(attributes, validator)


def _attribute(name: str, about: Any) -> Attribute:
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise WrongSchemaError(f"{name} must be lower-case letters, digits and single underscores")
    described = about if isinstance(about, dict) else {}
    kind, visible, editable = (described.get(key) for key in ("type", "x-visible", "x-editable"))
    if not isinstance(kind, str) or kind not in KINDS:
        raise WrongSchemaError(f"{name} must have one type")
    if visible not in (None, "owner", "staff", "hidden"):
        raise WrongSchemaError(f"x-visible of {name} must be owner, staff or hidden")
    if editable not in (None, "owner", "staff", "import"):
        raise WrongSchemaError(f"x-editable of {name} must be owner, staff or import")
    usual = "import" if visible == "hidden" else "staff"
    shown, changed = Audience(visible or "owner"), Audience(editable or usual)
    if (changed is Audience.OWNER and shown is not Audience.OWNER) or (
        changed is Audience.STAFF and shown is Audience.HIDDEN
    ):
        raise WrongSchemaError(f"who may change {name} must also see it")
    title = described.get("title") or name.replace("_", " ").capitalize()
    return Attribute(name, title, kind, tuple(described.get("enum", ())), shown, changed)
