"""Pages for a new password."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.exceptions import InvalidCredentialsException, InvalidTokenException
from accounts.models import OneTimeToken
from accounts.pages.forms.passwords import ResetForm
from accounts.pages.forms.registration import EmailForm
from accounts.pages.views.base import FormPage
from accounts.pages.views.security import SecurityPage
from accounts.services.account import password_change, password_reset
from accounts.states import TokenPurpose
from foodfleet.core.exceptions import BaseAppException
from foodfleet.core.http.access import DURING_REQUIRED_ACTIONS, PUBLIC, Reauthentication


class ForgotPage(FormPage):
    """Request a link to reset the password. The response is the same for every address."""

    access = PUBLIC
    template_name = "accounts/password_forgot.html"
    form_class = EmailForm
    throttle = "forgot"

    def accepted(self, form: EmailForm) -> HttpResponse:
        password_reset.request(**form.cleaned_data, client=self.client)
        return render(self.request, "accounts/password_forgot_done.html", form.cleaned_data)


class ResetPage(FormPage):
    """Choose a password with a link. Opening the page does not consume its token."""

    access = PUBLIC
    template_name = "accounts/password_reset.html"
    form_class = ResetForm
    throttle = "forgot"
    error_field = "password"
    link: OneTimeToken

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.link = password_reset.find(kwargs["token"])
            return super().dispatch(request, *args, **kwargs)
        except InvalidTokenException:
            return self._invalid()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        invited = self.link.purpose == TokenPurpose.INVITATION
        return {**context, "token": self.kwargs["token"], "invited": invited, "email": self.link.user.email}

    def accepted(self, form: ResetForm) -> HttpResponse:
        password_reset.reset(token=self.kwargs["token"], **form.cleaned_data, client=self.client)
        return render(self.request, "accounts/password_reset_done.html")

    def handle_error(self, form: Any, error: BaseAppException) -> HttpResponse:
        # The token was used after the page was opened.
        return self._invalid() if isinstance(error, InvalidTokenException) else super().handle_error(form, error)

    def _invalid(self) -> HttpResponse:
        return render(self.request, "accounts/password_reset_invalid.html", status=400)


class ChangePasswordPage(SecurityPage):
    """Change the user's own password. The form is on the security page."""

    access = DURING_REQUIRED_ACTIONS.with_reauthentication(POST=Reauthentication.WITH_MFA)
    throttle = "login"
    http_method_names = ["get", "head", "post", "options"]
    error_field = "new_password"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect(f"{reverse('account_security')}#password")

    def accepted(self, form: Any) -> HttpResponse:
        data = form.cleaned_data
        user = password_change.change(
            user=self.user,
            current=data["current_password"],
            new=data["new_password"],
            client=self.client,
            keep=self.session_id,
        )
        update_session_auth_hash(self.request, user)
        messages.success(self.request, _("Your new password is saved. Every other device is signed out."))
        return redirect("account_security")

    def handle_error(self, form: Any, error: BaseAppException) -> HttpResponse:
        if isinstance(error, InvalidCredentialsException):
            form.add_error("current_password", _("That isn't your current password."))
            return self.render_form(form, status=error.status_code)
        return super().handle_error(form, error)
