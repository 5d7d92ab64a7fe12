"""The admin saves by services: what they refuse stands beside the fields, and what was typed stays."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.http import HttpRequest

from foodfleet.core.exceptions import BaseAppException

SERVER_ERROR = 500


class SavedByService(admin.ModelAdmin):  # type: ignore[type-arg]
    """An admin whose `carry_out` calls a service, in the last step of the form's checks.

    refusals: the exceptions that become words in the form; others become the page of the error. beside: for each key of
    their details the field to show it at, where the form calls it by another name; "missing" is that of labels.
    """

    refusals: ClassVar[tuple[type[BaseAppException], ...]] = (BaseAppException,)
    beside: ClassVar[Mapping[str, str]] = {}

    def carry_out(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        """Do what the form says by a service, and leave the outcome in `form.instance`."""
        raise NotImplementedError

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form of Django's, which calls the service when everything else in it is right."""
        shape = super().get_form(request, obj, change=change, **kwargs)

        def _post_clean(form: Any) -> None:
            super(bound, form)._post_clean()  # type: ignore[misc]
            if not form.errors:
                self._attempt(request, form, change=change)

        bound: Any = type(shape.__name__, (shape,), {"_post_clean": _post_clean})
        return bound

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The service saved it."""

    def _attempt(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        try:
            with transaction.atomic():
                self.carry_out(request, form, change=change)
        except self.refusals as refusal:
            if refusal.status_code >= SERVER_ERROR:
                raise
            show(form, refusal, self.beside)


def show(form: forms.BaseForm, refusal: BaseAppException, beside: Mapping[str, str]) -> None:
    """Put what a service refuses beside the fields that its details name, else at `beside["missing"]` or on top."""
    told = False
    for name, entries in refusal.details.items():
        field = beside.get(name, name)
        for entry in entries if field in form.fields and isinstance(entries, list) else ():
            if isinstance(entry, dict):
                form.add_error(field, ValidationError(entry["message"], code=entry["code"]))
                told = True
    if not told:
        missing = refusal.details.get("missing", [])
        field = beside.get("missing", NON_FIELD_ERRORS) if missing else beside.get("", NON_FIELD_ERRORS)
        sentence = " ".join([str(refusal.message), ", ".join(missing)]).strip()
        form.add_error(field, ValidationError(sentence, code=refusal.code))
