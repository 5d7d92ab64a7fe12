"""What a service refuses -> words beside the fields of a form."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from accounts.exceptions import AccountLockedException
from foodfleet.core.exceptions import (
    BaseAppException,
    ConflictException,
    ForbiddenException,
    ThrottledException,
    UnauthorizedException,
    ValidationException,
)
from foodfleet.core.templatetags.datetimes import local_time

SHOWN = (ConflictException, ForbiddenException, ThrottledException, UnauthorizedException, ValidationException)


def show(form: forms.Form, error: BaseAppException, *, field: str | None = None) -> None:
    """Put the refusal beside the fields that its details name, beside `field`, or at the top of the form."""
    beside_fields = False
    for name, entries in error.details.items():
        if name in form.fields and isinstance(entries, list):
            beside_fields = True
            form.add_error(name, [ValidationError(entry["message"], code=entry["code"]) for entry in entries])
    if not beside_fields:
        form.add_error(field, ValidationError(_sentence(error), code=error.code))


def _sentence(error: BaseAppException) -> str:
    if isinstance(error, AccountLockedException) and error.locked_until is not None:
        sentence = _("Too many attempts: sign-in is locked until %(time)s. Resetting the password unlocks it.")
        return mark_safe(sentence % {"time": local_time(error.locked_until)})  # noqa: S308 (no words of a person)
    return str(error.message)
