"""The admin saves by services: what they refuse stands beside the fields, and what was typed stays."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from foodfleet.core.exceptions import BaseAppException

SERVER_ERROR = 500


def refusals_as_messages(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Show what a service refuses above the page that asked for it; the admin's transaction is rolled back by then."""

    @wraps(view)
    def shown(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(self, request, *args, **kwargs)
        except BaseAppException as refusal:
            details = "; ".join(_sentences(refusal.details))
            self.message_user(request, f"{refusal.message} {details}".strip(), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    return shown


def _sentences(details: Any) -> list[str]:
    """The sentences and names in an error's details, however deep they stand."""
    if isinstance(details, dict):
        return [str(details["message"])] if "message" in details else _sentences(list(details.values()))
    if isinstance(details, list):
        return [sentence for item in details for sentence in _sentences(item)]
    return [str(details)]


class SavedByService(admin.ModelAdmin):  # type: ignore[type-arg]
    """An admin whose `carry_out` calls a service, in the last step of the form's checks.

    refusals: the exceptions that become words in the form; others become the page of the error. beside: for each key of
    their details the field to show it at, where the form calls it by another name; "missing" is that of labels. A
    refusal without details stands at the field of its code, or at that of "".
    """

    refusals: ClassVar[tuple[type[BaseAppException], ...]] = (BaseAppException,)
    beside: ClassVar[Mapping[str, str]] = {}

    changelist_view = refusals_as_messages(admin.ModelAdmin.changelist_view)
    delete_view = refusals_as_messages(admin.ModelAdmin.delete_view)

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
        except ValidationError as refusal:  # somebody took the name since the form was checked
            form.add_error(None, refusal)


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
        keys = ("missing",) if missing else (refusal.code, "")
        field = next((beside[key] for key in keys if key in beside), NON_FIELD_ERRORS)
        sentence = " ".join([str(refusal.message), ", ".join(missing)]).strip()
        form.add_error(field, ValidationError(sentence, code=refusal.code))
