"""Sign-in and sign-out."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout as sign_out_of_django
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.exceptions import AccountLockedException, EmailNotVerifiedException, Invalid2FACodeException
from accounts.models import User
from accounts.pages import browser
from accounts.pages.forms.sign_in import LoginForm, MfaForm, PasskeyForm
from accounts.pages.views.base import FormPage, safe_next
from accounts.services.login import passkey, password, second_step
from accounts.services.login.challenge import ChallengeIssued
from accounts.services.mfa import sms, webauthn
from accounts.states import Method
from foodfleet.core.exceptions import BaseAppException, ThrottledException
from foodfleet.core.http import throttling
from foodfleet.core.http.access import PUBLIC, endpoint
from foodfleet.core.http.clients import client_of

CHALLENGE, NEXT, SMS_SENT = "challenge", "next", "texted"  # keys in Django's session, between password and MFA


class LoginPage(FormPage):
    """Sign in with e-mail address and password, or with a passkey alone."""

    access = PUBLIC
    template_name = "accounts/login.html"
    throttle = "login"
    locked = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return redirect(self.next)
        return super().dispatch(request, *args, **kwargs)

    @property
    def requested_next(self) -> str:
        """The URL of the query or form to go to afterwards, unchecked."""
        return str(self.request.POST.get("next") or self.request.GET.get("next") or "")

    @property
    def next(self) -> str:
        """The URL to go to afterwards."""
        return safe_next(self.request, self.requested_next, "account")

    def get_form_class(self) -> type[Any]:
        return PasskeyForm if "credential" in self.request.POST else LoginForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "next": self.requested_next, "locked": self.locked}

    def accepted(self, form: LoginForm | PasskeyForm) -> HttpResponse:
        by_passkey = isinstance(form, PasskeyForm)
        service: Any = passkey.sign_in_with if by_passkey else password.sign_in
        return complete_sign_in(self.request, service(**form.cleaned_data, client=self.client), self.next)

    def handle_error(self, form: Any, error: BaseAppException) -> HttpResponse:
        if isinstance(error, EmailNotVerifiedException):
            return render(
                self.request, "accounts/email_unverified.html", {"email": form.cleaned_data["email"]}, status=403
            )
        if isinstance(form, PasskeyForm):
            messages.error(self.request, _("This passkey isn't linked to an account here. Sign in with your password."))
            return redirect(f"{reverse('login')}")
        self.locked = isinstance(error, AccountLockedException) and error.locked_until is not None
        return super().handle_error(form, error)

    def form_invalid(self, form: Any) -> HttpResponse:
        return redirect("login") if isinstance(form, PasskeyForm) else super().form_invalid(form)


def complete_sign_in(request: HttpRequest, result: password.SignedIn | ChallengeIssued, next_url: str) -> HttpResponse:
    """Sign the browser in and redirect to `next_url`, or to the second step if MFA is required."""
    if isinstance(result, ChallengeIssued):
        request.session[CHALLENGE] = result.challenge
        request.session[NEXT] = next_url
        request.session.pop(SMS_SENT, None)
        return redirect("login_verify")
    response = redirect(next_url)
    browser.sign_in(request, response, result)
    return response


class VerifyPage(FormPage):
    """Two-factor authentication at sign-in."""

    access = PUBLIC
    template_name = "accounts/login_verify.html"
    form_class = MfaForm
    throttle = "2fa"
    error_field = "code"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.challenge: str = request.session.get(CHALLENGE, "")
        try:
            self.pending_user, self.methods = second_step.pending(self.challenge)
        except Invalid2FACodeException:
            return start_over(request)
        return super().dispatch(request, *args, **kwargs)

    pending_user: User
    methods: tuple[Method, ...]

    @property
    def method(self) -> Method:
        """The chosen method if the user has it, otherwise a passkey if usable at this origin, otherwise the first."""
        chosen = self.request.POST.get("method") or self.request.GET.get("method")
        origin = f"{self.request.scheme}://{self.request.get_host()}"
        has_passkey = Method.PASSKEY in self.methods and webauthn.is_usable_at(origin)
        first = Method.PASSKEY if has_passkey else self.methods[0]
        return next((method for method in self.methods if method == chosen), first)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "method": self.method}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {
            **super().get_context_data(**kwargs),
            "method": self.method.value,
            "methods": [method.value for method in self.methods],
            "phone_hint": sms.hint(self.pending_user),
            "sms_sent": self.request.session.get(SMS_SENT, False),
        }
        if self.method == Method.PASSKEY:
            context["passkey_options"] = second_step.passkey_options(self.challenge)
        return context

    def accepted(self, form: MfaForm) -> HttpResponse:
        signed_in = second_step.answer(
            challenge=self.challenge, method=self.method, code=form.response, client=self.client
        )
        response = redirect(safe_next(self.request, self.request.session.pop(NEXT, ""), "account"))
        for name in (CHALLENGE, SMS_SENT):
            self.request.session.pop(name, None)
        browser.sign_in(self.request, response, signed_in, remember=form.cleaned_data["remember_browser"])
        return response

    def handle_error(self, form: Any, error: BaseAppException) -> HttpResponse:
        try:
            second_step.pending(self.challenge)
        except Invalid2FACodeException:
            return start_over(self.request)
        if self.method == Method.PASSKEY:
            messages.error(self.request, _("That did not work. You can try again, or choose another way."))
            return redirect(f"{reverse('login_verify')}?method={Method.PASSKEY.value}")
        return super().handle_error(form, error)


def start_over(request: HttpRequest) -> HttpResponse:
    """Redirect to the sign-in page, after the challenge expired or had too many wrong codes."""
    if request.session.pop(CHALLENGE, ""):
        messages.warning(request, _("That took too long, or too many codes were wrong. Please sign in once more."))
    return redirect("login")


@never_cache
@endpoint(PUBLIC, "POST")
def send_sms_code(request: HttpRequest) -> HttpResponse:
    """Send a code for the second step by SMS."""
    try:
        throttling.count("forgot", client_of(request))
        second_step.send_sms_code(challenge=request.session.get(CHALLENGE, ""), client=client_of(request))
        request.session[SMS_SENT] = True
    except ThrottledException as error:
        messages.error(request, str(error.message))
    except Invalid2FACodeException:
        return start_over(request)
    return redirect(f"{reverse('login_verify')}?method={Method.SMS.value}")


@never_cache
@endpoint(PUBLIC, "POST")
def logout(request: HttpRequest) -> HttpResponse:
    """Sign this browser out."""
    sign_out_of_django(request)
    messages.success(request, _("You are signed out."))
    return redirect("login")
