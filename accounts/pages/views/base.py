"""Shared parts of the pages."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView, View

from accounts.exceptions import ReauthenticationRequiredException
from accounts.models import User
from accounts.pages.form_errors import FORM_ERRORS, add_errors
from accounts.services.account import access
from accounts.services.mfa import webauthn
from foodfleet.core.exceptions import BaseAppException, NotFoundException
from foodfleet.core.http import throttling
from foodfleet.core.http.access import SIGNED_IN
from foodfleet.core.http.clients import Client, client_of

HIDDEN = sensitive_post_parameters("password", "current_password", "new_password", "code", "credential", "challenge")


@method_decorator([never_cache, HIDDEN], name="dispatch")
class Page(View):
    """A page that is not cached.

    throttle: the THROTTLE_* scope in which its POST is counted, together with the requests of the API.
    """

    throttle = ""

    @property
    def client(self) -> Client:
        """The client of this request."""
        return client_of(self.request)

    def count(self) -> None:
        """Count this request. Raises ThrottledException."""
        if self.throttle:
            throttling.count(self.throttle, self.client)


class FormPage(Page, FormView):  # type: ignore[type-arg]  # generic only in the type stubs
    """A page with a form: it validates the form, calls one service and redirects, or shows the service's error.

    error_field: the field at which to show an error that names none.
    """

    error_field: str | None = None
    http_method_names = ["get", "head", "post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form()
        if not form.is_valid():
            return self.form_invalid(form)
        try:
            self.count()
            return self.accepted(form)
        except ReauthenticationRequiredException:
            raise
        except FORM_ERRORS as error:
            return self.handle_error(form, error)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        origin = f"{self.request.scheme}://{self.request.get_host()}"
        return {
            **super().get_context_data(**kwargs),
            "passkeys_work": webauthn.is_usable_at(origin),
            "passkey_address": settings.PUBLIC_URL if webauthn.is_usable_at(settings.PUBLIC_URL) else "",
        }

    def accepted(self, form: Any) -> HttpResponse:
        """Call the service and return the next response. May raise any of FORM_ERRORS."""
        raise NotImplementedError

    def handle_error(self, form: Any, error: BaseAppException) -> HttpResponse:
        """Return the page with the form and the service's error."""
        add_errors(form, error, field=self.error_field)
        return self.render_form(form, status=error.status_code, headers=_headers(error))

    def form_invalid(self, form: forms.BaseForm) -> HttpResponse:
        return self.render_form(form, status=422)

    def render_form(self, form: forms.BaseForm, *, status: int, headers: dict[str, str] | None = None) -> HttpResponse:
        """Return the page with the form as it was submitted."""
        return self.render_to_response(self.get_context_data(form=form), status=status, headers=headers)


class SignedInMixin(View):
    """A page for signed-in users. BrowserSessionMiddleware enforces the sign-in and required actions.

    returns_to: the name of the page to go to after re-authentication; by default this one.
    """

    access = SIGNED_IN
    returns_to = ""

    @property
    def user(self) -> User:
        """The signed-in user."""
        assert isinstance(self.request.user, User)
        return self.request.user

    @property
    def session_id(self) -> UUID:
        """The id of the browser's session."""
        session_id: UUID = self.request.browser_session.pk  # type: ignore[attr-defined]
        return session_id

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            access.ensure_reauthenticated(self.user, self.session_id, self.access, request.method or "")
            return super().dispatch(request, *args, **kwargs)
        except ReauthenticationRequiredException:
            self.remember_input()
            back = reverse(self.returns_to) if self.returns_to else request.get_full_path()
            return redirect(f"{reverse('reauthenticate')}?{urlencode({'next': back})}")

    def remember_input(self) -> None:
        """Store in the session the values that the form should show again after re-authentication."""


class SignedInFormPage(SignedInMixin, FormPage):
    """A page with a form for signed-in users."""


class ActionPage(SignedInMixin, Page):
    """A button: its POST changes one thing and redirects to a page that shows the result or error.

    A GET redirects there too, because a sign-in or re-authentication in between leads to one.
    """

    http_method_names = ["get", "head", "post", "options"]
    redirects_to = "account_security"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect(self.redirects_to)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            self.count()
            messages.success(request, self.act(**kwargs))
        except ReauthenticationRequiredException:
            raise
        except (NotFoundException, *FORM_ERRORS) as error:
            messages.error(request, str(error.message))
        return redirect(self.redirects_to)

    def act(self, **kwargs: Any) -> str:
        """Call the service and return the message about the result."""
        raise NotImplementedError


def safe_next(request: HttpRequest, requested: str | None, default: str) -> str:
    """Return the requested URL if it is on this host, otherwise that of the page `default`.

    It must contain a slash, because `redirect` would interpret a single word as the name of a page.
    """
    safe = url_has_allowed_host_and_scheme(requested, {request.get_host()}, require_https=request.is_secure())
    return requested if requested and safe and "/" in requested else reverse(default)


def _headers(error: BaseAppException) -> dict[str, str]:
    """Return the error's headers without WWW-Authenticate, for which browsers would open a dialogue."""
    return {name: value for name, value in error.headers.items() if name != "WWW-Authenticate"}
