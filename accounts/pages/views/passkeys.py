"""Pages to add, edit and remove a passkey."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.exceptions import TooManyPasskeysException
from accounts.pages.forms.passkeys import AddPasskeyForm, PasskeyOptionsForm
from accounts.pages.views.base import ActionPage, SignedInFormPage
from accounts.pages.views.mfa import render_backup_codes
from accounts.services.mfa import passkeys
from foodfleet.core.exceptions import NotFoundException
from foodfleet.core.http.access import DURING_MFA_ENROLMENT, SIGNED_IN, Reauthentication
from foodfleet.core.http.clients import describe_user_agent


class AddPage(SignedInFormPage):
    """Add a passkey; the first MFA method comes with backup codes."""

    access = DURING_MFA_ENROLMENT.with_reauthentication(GET=Reauthentication.ALWAYS, POST=Reauthentication.ALWAYS)
    template_name = "accounts/passkey_add.html"
    form_class = AddPasskeyForm
    throttle = "2fa"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except TooManyPasskeysException as error:
            messages.warning(request, str(error.message))
            return redirect("account_security")

    def get_initial(self) -> dict[str, Any]:
        return {"name": describe_user_agent(self.client.user_agent)}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        challenge = passkeys.begin(user=self.user, session_id=self.session_id, client=self.client)
        context = super().get_context_data(**kwargs)
        return {**context, "passkey_options": challenge.options, "challenge": challenge.token}

    def accepted(self, form: AddPasskeyForm) -> HttpResponse:
        data = form.cleaned_data
        added = passkeys.add(
            user=self.user,
            session_id=self.session_id,
            challenge=data["challenge"],
            credential=data["credential"],
            requested=passkeys.PasskeySettings(data["name"], data["passwordless"]),
            client=self.client,
        )
        if added.backup_codes:
            return render_backup_codes(self.request, added.backup_codes, setting_up=False)
        messages.success(self.request, _("Passkey added. Use it next time you sign in."))
        return redirect("account_security")


class EditPage(SignedInFormPage):
    """Rename a passkey, or allow or forbid its use instead of the password."""

    access = SIGNED_IN.with_reauthentication(POST=Reauthentication.BY_SERVICE)
    template_name = "accounts/passkey_edit.html"
    form_class = PasskeyOptionsForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotFoundException as error:
            messages.error(request, str(error.message))
            return redirect("account_security")

    def get_initial(self) -> dict[str, Any]:
        passkey = passkeys.own(self.user, self.kwargs["id"])
        return {"name": passkey.name, "passwordless": passkey.passwordless}

    def accepted(self, form: PasskeyOptionsForm) -> HttpResponse:
        passkeys.change(
            user=self.user,
            session_id=self.session_id,
            passkey_id=self.kwargs["id"],
            requested=passkeys.PasskeySettings(**form.cleaned_data),
            client=self.client,
        )
        messages.success(self.request, _("Saved."))
        return redirect("account_security")


class RemovePage(ActionPage):
    """Remove a passkey."""

    access = SIGNED_IN.with_reauthentication(POST=Reauthentication.WITH_MFA)
    returns_to = "account_security"

    def act(self, **kwargs: Any) -> str:
        passkeys.remove(user=self.user, session_id=self.session_id, passkey_id=kwargs["id"], client=self.client)
        return _("The passkey is removed.")
