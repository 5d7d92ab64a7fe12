"""Parse parameters of paths and query strings."""

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from foodfleet.core.exceptions import NotFoundException, ValidationException

BOOLEANS = {"true": True, "false": False}
LARGEST_KEY = 2**63 - 1


def identifier(text: str) -> int:
    """Return a numeric key. Raises NotFoundException for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST_KEY):
        raise NotFoundException
    return int(text)


def boolean(request: Request, name: str) -> bool | None:
    """Return the value of `?name=true`; None without the parameter. Raises ValidationException."""
    value = request.query_params.get(name)
    if value is None:
        return None
    if value not in BOOLEANS:
        raise ValidationException.for_field(name, _("Enter true or false."), "invalid")
    return BOOLEANS[value]


def choice(request: Request, name: str, choices: list[str]) -> str | None:
    """Return the value of `?name=one`; None without the parameter. Raises ValidationException."""
    value = request.query_params.get(name)
    if value is not None and value not in choices:
        message = _("Enter one of %(choices)s.") % {"choices": ", ".join(choices)}
        raise ValidationException.for_field(name, message, "invalid_choice")
    return value
