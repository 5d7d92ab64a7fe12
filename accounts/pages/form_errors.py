"""Show the exceptions of services as errors of forms."""

from django import forms
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
from foodfleet.core.http import form_errors
from foodfleet.core.templatetags.datetimes import local_time

FORM_ERRORS = (ConflictException, ForbiddenException, ThrottledException, UnauthorizedException, ValidationException)


def add_errors(form: forms.BaseForm, error: BaseAppException, *, field: str | None = None) -> None:
    """Add the error to the fields that its details name, otherwise to `field`, otherwise to the whole form."""
    form_errors.add_errors(form, error, {"": field} if field else {}, message=_message(error))


def _message(error: BaseAppException) -> str:
    if isinstance(error, AccountLockedException) and error.locked_until is not None:
        message = _("Too many attempts: sign-in is locked until %(time)s. Resetting the password unlocks it.")
        return mark_safe(message % {"time": local_time(error.locked_until)})  # noqa: S308 (nothing that a user typed)
    return ""
