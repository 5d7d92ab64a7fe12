"""What a service refuses -> words beside the fields of a form."""

from django import forms
from django.core.exceptions import ValidationError

from foodfleet.core.exceptions import (
    BaseAppException,
    ConflictException,
    ForbiddenException,
    ThrottledException,
    UnauthorizedException,
    ValidationException,
)

SHOWN = (ConflictException, ForbiddenException, ThrottledException, UnauthorizedException, ValidationException)


def show(form: forms.Form, error: BaseAppException, *, field: str | None = None) -> None:
    """Put the refusal beside the fields that its details name, beside `field`, or at the top of the form."""
    beside_fields = False
    for name, entries in error.details.items():
        if name in form.fields and isinstance(entries, list):
            beside_fields = True
            form.add_error(name, [ValidationError(entry["message"], code=entry["code"]) for entry in entries])
    if not beside_fields:
        form.add_error(field, ValidationError(str(error.message), code=error.code))
