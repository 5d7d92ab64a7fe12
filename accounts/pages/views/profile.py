"""Profile, e-mail address and phone."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import check_for_language, get_language, override
from django.utils.translation import gettext as _
from django.views.i18n import LANGUAGE_QUERY_PARAMETER
from django.views.i18n import set_language as set_language_cookie

from accounts.models import User
from accounts.pages.forms.profile import ChangeEmailForm, CodeForm, PhoneForm, ProfileForm
from accounts.pages.views.base import ActionPage, Page, SignedInFormPage, SignedInMixin
from accounts.services.account import attributes, email, export, profile
from accounts.services.account import phone as account_phone
from accounts.states import Audience
from foodfleet.core.email_addresses import LONGEST_ADDRESS
from foodfleet.core.http.access import PUBLIC, SIGNED_IN, Reauthentication, endpoint, viewable
from foodfleet.core.phone_numbers import LONGEST_SPELLING
from rbac.services import assignments

REQUESTED_EMAIL, REQUESTED_PHONE = "wanted_email", "wanted_phone"  # in Django's session, during re-authentication


@viewable
class ProfilePage(SignedInFormPage):
    """Names, language and attributes. The two other forms of the page are submitted to their own views."""

    template_name = "accounts/account.html"
    form_class: type[Any] = ProfileForm
    names: ClassVar[dict[type[Any], str]] = {
        ProfileForm: "profile_form",
        ChangeEmailForm: "email_form",
        PhoneForm: "phone_form",
    }

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs = super().get_form_kwargs()
        if self.form_class is ProfileForm:
            # A separate instance, because the rest of the page must not show values of an invalid form.
            kwargs["instance"] = User.objects.get(pk=self.user.pk)
            kwargs["initial"] = {"language": self.user.language or get_language()}
        return kwargs

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        others: dict[str, forms.BaseForm] = {
            "profile_form": ProfileForm(instance=self.user, initial={"language": self.user.language or get_language()}),
            "email_form": ChangeEmailForm(initial={"email": self.request.session.pop(REQUESTED_EMAIL, "")}),
            "phone_form": PhoneForm(initial={"phone": self.request.session.pop(REQUESTED_PHONE, "")}),
        }
        details = {
            "phone_verified": self.user.phone_verified_at is not None,
            "roles": assignments.current_of(self.user),
            "facts": attributes.titled(self.user.attributes, Audience.OWNER, read_only=True),
        }
        current = {self.names[self.form_class]: context["form"]}
        return {**context, **others, **current, **details, "pending_email": email.pending(self.user)}

    def accepted(self, form: Any) -> HttpResponse:
        profile.change(user=self.user, **form.changes())
        with override(form.cleaned_data["language"]):
            messages.success(self.request, _("Saved."))
        return redirect("account")


class EmailPage(ProfilePage):
    """Request a change of the e-mail address."""

    form_class = ChangeEmailForm
    access = SIGNED_IN.with_reauthentication(POST=Reauthentication.ALWAYS)
    throttle = "forgot"
    returns_to = "account"
    error_field = "email"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect(f"{reverse('account')}#email")

    def remember_input(self) -> None:
        self.request.session[REQUESTED_EMAIL] = self.request.POST.get("email", "")[:LONGEST_ADDRESS]

    def accepted(self, form: Any) -> HttpResponse:
        email.request(user=self.user, new_email=form.cleaned_data["email"], client=self.client)
        messages.success(
            self.request, _("We sent an e-mail to the new address. Open the link in it to finish the change.")
        )
        return redirect("account")


class PhonePage(ProfilePage):
    """Request a code for a new phone number."""

    form_class = PhoneForm
    access = SIGNED_IN.with_reauthentication(POST=Reauthentication.WITH_MFA)
    throttle = "2fa"
    returns_to = "account"
    error_field = "phone"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect(f"{reverse('account')}#phone")

    def remember_input(self) -> None:
        self.request.session[REQUESTED_PHONE] = self.request.POST.get("phone", "")[:LONGEST_SPELLING]

    def accepted(self, form: Any) -> HttpResponse:
        account_phone.request_code(user=self.user, phone=form.cleaned_data["phone"], client=self.client)
        return redirect("account_phone_verify")


class CancelEmailPage(ActionPage):
    """Cancel a change of the e-mail address, which revokes the link sent to the new one."""

    redirects_to = "account"

    def act(self, **kwargs: Any) -> str:
        email.cancel(user=self.user)
        return _("Cancelled. Your e-mail address stays as it is.")


class RemovePhonePage(ActionPage):
    """Remove the phone number."""

    access = SIGNED_IN.with_reauthentication(POST=Reauthentication.WITH_MFA)
    redirects_to = returns_to = "account"

    def act(self, **kwargs: Any) -> str:
        account_phone.remove(user=self.user, session_id=self.session_id, client=self.client)
        return _("Your phone number is removed.")


class DataPage(SignedInMixin, Page):
    """All stored data about the user, as a JSON file."""

    access = SIGNED_IN.with_reauthentication(POST=Reauthentication.ALWAYS)
    returns_to = "account"
    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect("account")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = f"account-{self.user.pk}.json"
        data = export.own_data(user=self.user, client=self.client)
        disposition = f'attachment; filename="{name}"'
        return JsonResponse(data, json_dumps_params={"indent": 2}, headers={"Content-Disposition": disposition})


class VerifyPhonePage(SignedInFormPage):
    """Confirm a new phone number."""

    template_name = "accounts/phone_verify.html"
    form_class = CodeForm
    throttle = "2fa"
    error_field = "code"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "GET" and not account_phone.pending(self.user):
            return redirect(f"{reverse('account')}#phone")
        return super().dispatch(request, *args, **kwargs)

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        form.fields["code"].widget.attrs["autofocus"] = True
        return form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "phone": account_phone.pending(self.user)}

    def accepted(self, form: CodeForm) -> HttpResponse:
        account_phone.verify(user=self.user, code=form.cleaned_data["code"], client=self.client)
        messages.success(self.request, _("Your phone is confirmed."))
        return redirect("account")


@endpoint(PUBLIC, "POST")
def set_language(request: HttpRequest) -> HttpResponse:
    """Set the language of this browser and of the signed-in user."""
    language = request.POST.get(LANGUAGE_QUERY_PARAMETER, "")
    known = language in dict(settings.LANGUAGES) and check_for_language(language)
    if known and isinstance(request.user, User):
        profile.choose_language(user=request.user, language=language)
    return set_language_cookie(request)
