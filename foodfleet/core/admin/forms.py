"""Admin forms that save through services and show a service's error at its field."""

from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from foodfleet.core.admin.base import BaseAdmin
from foodfleet.core.exceptions import BaseAppException
from foodfleet.core.http.form_errors import add_errors

SERVER_ERROR = 500


def errors_as_messages(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Show an error of a service as a message above the page, after the admin has rolled back its transaction."""

    @wraps(view)
    def wrapper(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(self, request, *args, **kwargs)
        except BaseAppException as error:
            self.message_user(request, error_message(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    return wrapper


def error_message(error: BaseAppException) -> str:
    """Return an error's message, followed by the messages in its details."""
    return f"{error.message} {'; '.join(_sentences(error.details))}".strip()


def _sentences(details: Any) -> list[str]:
    """Return the messages and names in an error's details, at any depth."""
    if isinstance(details, dict):
        return [str(details["message"])] if "message" in details else _sentences(list(details.values()))
    if isinstance(details, list):
        return [sentence for item in details for sentence in _sentences(item)]
    return [str(details)]


class ServiceForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form that is saved by a service once everything else is valid.

    save_by_service: set by `ServiceAdmin.get_form` on the class that Django makes for each request.
    """

    save_by_service: ClassVar[Callable[..., None] | None] = None

    def full_clean(self) -> None:
        super().full_clean()
        if self.save_by_service is not None and self.is_bound and not self.errors:
            self.save_by_service(self)


class ServiceAdmin(BaseAdmin):
    """An admin that saves by calling a service in the last step of the form's validation. Its form is a ServiceForm.

    form_errors: the exceptions that are shown in the form; others get an error page. error_fields: the form field for
    each key of an error's details, if the names differ; "missing" is for missing permissions. An error without details
    is shown at the field of its code, or at the field of "".
    """

    form = ServiceForm
    form_errors: ClassVar[tuple[type[BaseAppException], ...]] = (BaseAppException,)
    error_fields: ClassVar[Mapping[str, str]] = {}

    @errors_as_messages
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, extra_context)

    @errors_as_messages
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().delete_view(request, object_id, extra_context)

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        """Save the form through a service, and store the result in `form.instance`."""
        raise NotImplementedError

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form class that Django makes for this request, with `save_by_service` set."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.save_by_service = staticmethod(partial(self._save_by_service, request, change=change))
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Do nothing: the service has saved the object."""

    def _save_by_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        try:
            with transaction.atomic():
                self.call_service(request, form, change=change)
        except self.form_errors as error:
            if error.status_code >= SERVER_ERROR:
                raise
            add_errors(form, error, self.error_fields)
        except ValidationError as error:  # the name was taken after the form was validated
            form.add_error(None, error)
