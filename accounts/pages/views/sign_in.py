"""Signing in and out."""

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
from accounts.pages.forms.sign_in import LoginForm, PasskeyForm, SecondStepForm
from accounts.pages.views.base import FormPage, safe_next
from accounts.services.login import passkey, password, second_step
from accounts.services.login.challenge import ChallengeIssued
from accounts.services.mfa import sms, webauthn
from accounts.states import Method
from foodfleet.core.exceptions import BaseAppException, ThrottledException
from foodfleet.core.http import throttling
from foodfleet.core.http.access import PUBLIC, endpoint
from foodfleet.core.http.clients import client_of

CHALLENGE, NEXT, TEXTED = "challenge", "next", "texted"  # what the session keeps between the two steps


class LoginPage(FormPage):
    """E-mail and password, or a passkey alone."""

    access = PUBLIC
    template_name = "accounts/login.html"
    throttle = "login"
    locked = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return redirect(self.next)
        return super().dispatch(request, *args, **kwargs)

    @property
    def wish(self) -> str:
        """Where to go afterwards, as the browser says."""
        return str(self.request.POST.get("next") or self.request.GET.get("next") or "")

    @property
    def next(self) -> str:
        """Where to go afterwards."""
        return safe_next(self.request, self.wish, "account")

    def get_form_class(self) -> type[Any]:
        return PasskeyForm if "credential" in self.request.POST else LoginForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "next": self.wish, "locked": self.locked}

    def accepted(self, form: LoginForm | PasskeyForm) -> HttpResponse:
        by_passkey = isinstance(form, PasskeyForm)
        service: Any = passkey.sign_in_with if by_passkey else password.sign_in
        return enter(self.request, service(**form.cleaned_data, client=self.client), self.next)

    def refused(self, form: Any, error: BaseAppException) -> HttpResponse:
        if isinstance(error, EmailNotVerifiedException):
            return render(
                self.request, "accounts/email_unverified.html", {"email": form.cleaned_data["email"]}, status=403
            )
        if isinstance(form, PasskeyForm):
            messages.error(self.request, _("This passkey isn't linked to an account here. Sign in with your password."))
            return redirect(f"{reverse('login')}")
        self.locked = isinstance(error, AccountLockedException) and error.locked_until is not None
        return super().refused(form, error)

    def form_invalid(self, form: Any) -> HttpResponse:
        return redirect("login") if isinstance(form, PasskeyForm) else super().form_invalid(form)


def enter(request: HttpRequest, result: password.SignedIn | ChallengeIssued, goal: str) -> HttpResponse:
    """Sign the browser in and lead it to `goal`, by way of two-factor authentication where that is on."""
    if isinstance(result, ChallengeIssued):
        request.session[CHALLENGE] = result.challenge
        request.session[NEXT] = goal
        request.session.pop(TEXTED, None)
        return redirect("login_verify")
    response = redirect(goal)
    browser.sign_in(request, response, result)
    return response


class VerifyPage(FormPage):
    """The second step, where the second factor is on."""

    access = PUBLIC
    template_name = "accounts/login_verify.html"
    form_class = SecondStepForm
    throttle = "2fa"
    error_field = "code"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.challenge: str = request.session.get(CHALLENGE, "")
        try:
            self.waiting, self.methods = second_step.pending(self.challenge)
        except Invalid2FACodeException:
            return start_over(request)
        return super().dispatch(request, *args, **kwargs)

    waiting: User
    methods: tuple[Method, ...]

    @property
    def method(self) -> Method:
        """What is asked for: as chosen, where the user has it; a passkey first where this page can use one."""
        chosen = self.request.POST.get("method") or self.request.GET.get("method")
        here = f"{self.request.scheme}://{self.request.get_host()}"
        has_passkey = Method.PASSKEY in self.methods and webauthn.is_usable_at(here)
        first = Method.PASSKEY if has_passkey else self.methods[0]
        return next((method for method in self.methods if method == chosen), first)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "method": self.method}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {
            **super().get_context_data(**kwargs),
            "method": self.method.value,
            "methods": [method.value for method in self.methods],
            "phone_hint": sms.hint(self.waiting),
            "sms_sent": self.request.session.get(TEXTED, False),
        }
        if self.method == Method.PASSKEY:
            context["passkey_options"] = second_step.passkey_options(self.challenge)
        return context

    def accepted(self, form: SecondStepForm) -> HttpResponse:
        signed_in = second_step.answer(
            challenge=self.challenge, method=self.method, code=form.answer, client=self.client
        )
        response = redirect(safe_next(self.request, self.request.session.pop(NEXT, ""), "account"))
        for name in (CHALLENGE, TEXTED):
            self.request.session.pop(name, None)
        browser.sign_in(self.request, response, signed_in, remember=form.cleaned_data["remember_browser"])
        return response

    def refused(self, form: Any, error: BaseAppException) -> HttpResponse:
        try:
            second_step.pending(self.challenge)
        except Invalid2FACodeException:
            return start_over(self.request)
        if self.method == Method.PASSKEY:
            messages.error(self.request, _("That did not work. You can try again, or choose another way."))
            return redirect(f"{reverse('login_verify')}?method={Method.PASSKEY.value}")
        return super().refused(form, error)


def start_over(request: HttpRequest) -> HttpResponse:
    """To the first step: the challenge ran out, or was answered wrongly too often."""
    if request.session.pop(CHALLENGE, ""):
        messages.warning(request, _("That took too long, or too many codes were wrong. Please sign in once more."))
    return redirect("login")


@never_cache
@endpoint(PUBLIC, "POST")
def send_sms_code(request: HttpRequest) -> HttpResponse:
    """Text a code for the second step."""
    try:
        throttling.count("forgot", client_of(request))
        second_step.send_sms_code(challenge=request.session.get(CHALLENGE, ""), client=client_of(request))
        request.session[TEXTED] = True
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
