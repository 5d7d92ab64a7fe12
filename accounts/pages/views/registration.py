"""Registration."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts.exceptions import InvalidTokenException
from accounts.models import User
from accounts.pages import browser
from accounts.pages.forms.registration import EmailForm, RegisterForm
from accounts.pages.views.base import FormPage
from accounts.pages.views.sign_in import complete_sign_in
from accounts.services.account import registration, registration_rules
from accounts.services.login import password
from accounts.services.one_time import tokens
from accounts.states import TokenPurpose
from foodfleet.core.http import throttling
from foodfleet.core.http.access import PUBLIC, endpoint
from foodfleet.core.http.clients import client_of


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class RegisterPage(FormPage):
    """Create an account. The response is the same whether or not the address has one."""

    access = PUBLIC
    template_name = "accounts/register.html"
    form_class = RegisterForm
    throttle = "register"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if settings.REGISTRATION == registration_rules.CLOSED:
            return render(request, "accounts/register_closed.html", status=403)
        return super().dispatch(request, *args, **kwargs)

    def accepted(self, form: RegisterForm) -> HttpResponse:
        new = registration.NewUser(**form.cleaned_data, language=get_language() or "")
        registration.register(new=new, client=self.client)
        browser.store_registration(self.request, new.email)
        return render(self.request, "accounts/register_done.html", {"email": new.email})


class ResendPage(FormPage):
    """Request another confirmation e-mail."""

    access = PUBLIC
    template_name = "accounts/email_verify_invalid.html"
    form_class = EmailForm
    throttle = "forgot"

    def accepted(self, form: EmailForm) -> HttpResponse:
        registration.resend_verification(**form.cleaned_data, client=self.client)
        return render(self.request, "accounts/register_done.html", form.cleaned_data)


@never_cache
@endpoint(PUBLIC, "GET", "POST")
def verify_email(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm an address. A GET only asks for confirmation, because mail scanners open links."""
    throttling.count("register", client_of(request))
    try:
        if request.method == "POST":
            signed_in = request.user if isinstance(request.user, User) else None
            user = registration.verify_email(token=token, client=client_of(request), signed_in=signed_in)
            return _confirmed(request, user)
        link = tokens.find(token, TokenPurpose.VERIFY_EMAIL)
    except InvalidTokenException:
        context: dict[str, Any] = {"form": EmailForm()}
        return render(request, "accounts/email_verify_invalid.html", context, status=400)
    return render(request, "accounts/email_verify.html", {"token": token, "email": link.user.email})


def _confirmed(request: HttpRequest, user: User) -> HttpResponse:
    """Sign in the browser that registered the account, or show a page that asks to sign in."""
    if browser.pop_registration(request, user):
        result = password.sign_in_confirmed(user=user, client=client_of(request))
        if result is not None:
            messages.success(request, _("Your address is confirmed."))
            return complete_sign_in(request, result, reverse("account"))
    return render(request, "accounts/email_verify_done.html")
