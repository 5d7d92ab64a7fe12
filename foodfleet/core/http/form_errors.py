"""Show errors of services in forms, on the pages and in the admin."""

from collections.abc import Mapping

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from foodfleet.core.exceptions import BaseAppException


def add_errors(
    form: forms.BaseForm, error: BaseAppException, error_fields: Mapping[str, str], *, message: str = ""
) -> None:
    """Add a service's error at the fields that its details name, else at one field or at the top of the form.

    error_fields: the form's field for a key of the details, if the names differ; also for "missing" (permissions), for
    the code of an error without details, and "" for all other such errors. message: shown instead of the error's own.
    """
    has_field = False
    for name, entries in error.details.items():
        field = error_fields.get(name, name)
        for entry in entries if field in form.fields and isinstance(entries, list) else ():
            if isinstance(entry, dict):
                form.add_error(field, ValidationError(entry["message"], code=entry["code"]))
                has_field = True
    if not has_field:
        missing = error.details.get("missing", [])
        keys = ("missing",) if missing else (error.code, "")
        field = next((error_fields[key] for key in keys if key in error_fields), NON_FIELD_ERRORS)
        text = message or " ".join([str(error.message), ", ".join(missing)]).strip()
        form.add_error(field, ValidationError(text, code=error.code))
