"""Reading, changing and filtering by custom attributes of users."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from jsonschema.exceptions import ValidationError, best_match

from accounts.exceptions import InvalidAttributesException
from accounts.services.account.attribute_schema import SCALARS, Schema, current
from accounts.states import Audience

MAX_BYTES = 8192  # of all attributes of a user as JSON, because every request reads them with the user
PREFIX = "attributes."  # of a query parameter, a column or the field of an error


def visible(values: Mapping[str, Any], audience: Audience) -> dict[str, Any]:
    """Return those of a user's attributes that this audience sees."""
    if not values:
        return {}
    return {one.name: values[one.name] for one in current().visible_to(audience) if one.name in values}


def titled(values: Mapping[str, Any], audience: Audience, *, read_only: bool = False) -> list[tuple[str, Any]]:
    """Return title and value of each attribute that this audience sees, or with read_only, sees but cannot change."""
    seen = [one for one in current().visible_to(audience) if not (read_only and one.is_editable_by(audience))]
    return [(one.title, _readable(values[one.name])) for one in seen if one.name in values]


def _readable(value: Any) -> Any:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def merged(values: Mapping[str, Any], changes: Mapping[str, Any], by: Audience) -> dict[str, Any]:
    """Return a user's attributes after these changes; None removes one. Raises InvalidAttributesException."""
    schema = current()
    for name in changes:
        known = schema.attributes.get(name)
        if known is None or not (by is Audience.IMPORT or known.is_visible_to(by)):
            raise InvalidAttributesException.of(name, _("There is no such attribute."), "unknown_attribute")
        if not known.is_editable_by(by):
            raise InvalidAttributesException.of(name, _("You cannot change this attribute."), "not_editable")
    result = {name: value for name, value in {**values, **changes}.items() if value is not None}
    _validate(schema, result, changes)
    return result


def _validate(schema: Schema, values: Mapping[str, Any], changed: Iterable[str]) -> None:
    """Raise InvalidAttributesException for a changed value or if all values together are invalid.

    Unchanged values are not validated one by one: one that was stored under an earlier schema prevents no other change.
    """
    try:
        size = len(json.dumps(values, ensure_ascii=False, allow_nan=False).encode())
        errors = list(schema.validator.iter_errors(dict(values)))
    except (ValueError, RecursionError):
        raise InvalidAttributesException.of("", _("These attributes cannot be stored."), "invalid") from None
    if size > MAX_BYTES or "\\u0000" in json.dumps(values):
        raise InvalidAttributesException.of("", _("These attributes cannot be stored."), "invalid")
    for name in changed:
        own = [error for error in errors if error.absolute_path and error.absolute_path[0] == name]
        if own:
            raise InvalidAttributesException.of(name, _sentence(best_match(own)), "invalid")
    whole = [error for error in errors if not error.absolute_path and error.validator != "additionalProperties"]
    if whole:
        raise InvalidAttributesException.of("", _("These attributes do not go together."), "invalid")


def _sentence(error: ValidationError | None) -> str:
    """Say what is wrong without repeating the value."""
    assert error is not None
    if error.validator == "enum":
        return _("Give one of %(choices)s.") % {"choices": ", ".join(map(str, error.validator_value))}
    if error.validator == "type":
        return _("Give a value of type %(type)s.") % {"type": error.validator_value}
    return _("This value is not allowed here.")


def filters(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return the values to filter by, from query parameters such as `attributes.shift`.

    Raises InvalidAttributesException.
    """
    schema, found = current(), {}
    for parameter, text in parameters.items():
        if not parameter.startswith(PREFIX):
            continue
        name = parameter.removeprefix(PREFIX)
        attribute = schema.attributes.get(name)
        if attribute is None or not attribute.is_visible_to(Audience.STAFF) or attribute.kind not in SCALARS:
            raise InvalidAttributesException.of(name, _("There is no such attribute."), "unknown_attribute")
        if "\x00" in text:
            raise InvalidAttributesException.of(name, _("This value is not allowed here."), "invalid")
        found[name] = attribute.from_text(text)
    return found
