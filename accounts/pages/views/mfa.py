"""Pages for MFA: set-up, turning it off, backup codes, re-authentication."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.exceptions import AuthenticatorExistsException, Invalid2FACodeException, InvalidCredentialsException
from accounts.pages.forms.profile import CodeForm
from accounts.pages.forms.sign_in import PasskeyForm, ReauthenticationForm
from accounts.pages.views.base import SignedInFormPage, safe_next
from accounts.services.mfa import enrolment, methods, reauthentication
from accounts.states import Method
from foodfleet.core.exceptions import BaseAppException
from foodfleet.core.http.access import DURING_MFA_ENROLMENT, DURING_REQUIRED_ACTIONS, SIGNED_IN, Reauthentication


class SetUpPage(SignedInFormPage):
    """Connect an authenticator app."""

    access = DURING_MFA_ENROLMENT.with_reauthentication(GET=Reauthentication.ALWAYS, POST=Reauthentication.ALWAYS)
    template_name = "accounts/totp_setup.html"
    form_class = CodeForm
    throttle = "2fa"
    error_field = "code"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except AuthenticatorExistsException as error:
            messages.warning(request, str(error.message))
            return redirect("account_security")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        about: dict[str, Any] = {"user": self.user, "session_id": self.session_id}
        setup = enrolment.pending_totp(**about) or enrolment.start_totp(**about)
        requested_next = self.request.POST.get("next") or self.request.GET.get("next")
        return {
            **context,
            "qr_svg": setup.qr_svg,
            "secret_groups": setup.secret_groups,
            "otpauth_uri": setup.uri,
            "next": requested_next,
        }

    def accepted(self, form: CodeForm) -> HttpResponse:
        codes = enrolment.confirm_totp(
            user=self.user, session_id=self.session_id, code=form.cleaned_data["code"], client=self.client
        )
        return render_backup_codes(self.request, codes, setting_up=True)


def render_backup_codes(request: HttpRequest, codes: list[str], *, setting_up: bool) -> HttpResponse:
    """Render the page that shows the backup codes, once."""
    redirects_to = safe_next(request, request.POST.get("next"), "account_security")
    context = {"backup_codes": codes, "setting_up": setting_up, "next": redirects_to}
    return render(request, "accounts/backup_codes.html", context)


class MfaEnabledPage(SignedInFormPage):
    """A page for users with MFA; others are redirected to the security page."""

    form_class = forms.Form

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not methods.is_enabled(self.user):
            return redirect("account_security")
        return super().dispatch(request, *args, **kwargs)


class BackupCodesPage(MfaEnabledPage):
    """Ten new backup codes."""

    access = DURING_MFA_ENROLMENT.with_reauthentication(POST=Reauthentication.WITH_MFA)
    template_name = "accounts/backup_codes.html"
    throttle = "2fa"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "remaining": methods.backup_codes_left(self.user)}

    def accepted(self, form: forms.Form) -> HttpResponse:
        codes = enrolment.replace_backup_codes(user=self.user, session_id=self.session_id, client=self.client)
        return render_backup_codes(self.request, codes, setting_up=False)


class SwitchOffPage(MfaEnabledPage):
    """Turn MFA off."""

    access = SIGNED_IN.with_reauthentication(GET=Reauthentication.WITH_MFA, POST=Reauthentication.WITH_MFA)
    template_name = "accounts/totp_disable.html"

    def accepted(self, form: forms.Form) -> HttpResponse:
        enrolment.disable(user=self.user, session_id=self.session_id, client=self.client)
        messages.success(self.request, _("Two-factor authentication is off. You can set it up again at any time."))
        return redirect("account_security")


class ReauthenticationPage(SignedInFormPage):
    """Re-authentication, which lasts for ten minutes."""

    access = DURING_REQUIRED_ACTIONS
    template_name = "accounts/reauthenticate.html"
    throttle = "2fa"

    @property
    def requested_next(self) -> str:
        """The URL of the query or form to go to afterwards, unchecked."""
        return str(self.request.POST.get("next") or self.request.GET.get("next") or "")

    def get_form_class(self) -> type[Any]:
        return PasskeyForm if "credential" in self.request.POST else ReauthenticationForm

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs = super().get_form_kwargs()
        if self.get_form_class() is ReauthenticationForm:
            kwargs["with_code"] = methods.is_enabled(self.user)
        return kwargs

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {**super().get_context_data(**kwargs), "next": self.requested_next}
        if isinstance(context["form"], PasskeyForm):
            context["form"] = ReauthenticationForm(with_code=methods.is_enabled(self.user))
        if Method.PASSKEY in methods.methods_of(self.user):
            challenge = reauthentication.passkey_challenge(user=self.user, client=self.client)
            context |= {"passkey_options": challenge.options, "challenge": challenge.token}
        return context

    def accepted(self, form: ReauthenticationForm | PasskeyForm) -> HttpResponse:
        about: dict[str, Any] = {"user": self.user, "session_id": self.session_id, "client": self.client}
        if isinstance(form, PasskeyForm):
            reauthentication.reauthenticate_with_passkey(**about, **form.cleaned_data)
        else:
            reauthentication.reauthenticate(**about, **form.cleaned_data)
        return redirect(safe_next(self.request, self.requested_next, "account_security"))

    def handle_error(self, form: Any, error: BaseAppException) -> HttpResponse:
        if isinstance(form, PasskeyForm):
            messages.error(self.request, _("That did not work. You can try again, or use your password."))
            return redirect(self.request.get_full_path())
        if isinstance(error, InvalidCredentialsException):
            form.add_error("password", _("That isn't your current password."))
            return self.render_form(form, status=error.status_code)
        self.error_field = "code" if isinstance(error, Invalid2FACodeException) else None
        return super().handle_error(form, error)
