"""What the pages share."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.generic import FormView

from accounts.pages import refusals
from foodfleet.core import throttling
from foodfleet.core.clients import Client, client_of
from foodfleet.core.exceptions import BaseAppException


class FormPage(FormView):  # type: ignore[type-arg]  # a generic for mypy alone
    """A page with a form: shape, then service, then the next page; a refusal is shown beside its field.

    throttle: the scope of THROTTLE_* that its POST counts in; the API's calls of the same subject count in it too.
    refused_field: the field that a refusal is shown beside which names none.
    """

    throttle = ""
    refused_field: str | None = None
    http_method_names = ["get", "head", "post", "options"]

    @property
    def client(self) -> Client:
        """Who is asking."""
        return client_of(self.request)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form()
        if not form.is_valid():
            return self.form_invalid(form)
        try:
            if self.throttle:
                throttling.count(self.throttle, self.client)
            return self.accepted(form)
        except refusals.SHOWN as error:
            return self.refused(form, error)

    def accepted(self, form: Any) -> HttpResponse:
        """Call the service and say what comes next. May raise what `refusals` shows."""
        raise NotImplementedError

    def refused(self, form: Any, error: BaseAppException) -> HttpResponse:
        """The page again, with what the service said."""
        refusals.show(form, error, field=self.refused_field)
        return self.again(form, status=error.status_code, headers=_headers(error))

    def form_invalid(self, form: forms.Form) -> HttpResponse:
        return self.again(form, status=422)

    def again(self, form: forms.Form, *, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
        """The page with the form as it was sent."""
        context = self.get_context_data(form=form)
        return self.render_to_response(context, status=status, headers=headers)


def _headers(error: BaseAppException) -> dict[str, str]:
    """`Retry-After`, if any; the challenge of a 401 is for programs."""
    return {name: value for name, value in error.headers.items() if name != "WWW-Authenticate"}
