"""Deletion of the user's own account."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.pages.views.base import ActionPage, SignedInFormPage
from accounts.services.account import own_deletion
from foodfleet.core.http.access import SIGNED_IN, Reauthentication


class DeletePage(SignedInFormPage):
    """Explain the deletion, and request it."""

    access = SIGNED_IN.with_reauthentication(GET=Reauthentication.ALWAYS, POST=Reauthentication.ALWAYS)
    template_name = "accounts/delete.html"
    form_class = forms.Form
    returns_to = "account_delete"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "days": own_deletion.DELAY.days}

    def accepted(self, form: forms.Form) -> HttpResponse:
        own_deletion.request(user=self.user, session_id=self.session_id, client=self.client)
        messages.success(self.request, _("We'll delete your account. We sent you an e-mail about it."))
        return redirect("account")


class CancelDeletionPage(ActionPage):
    """Cancel the deletion."""

    access = SIGNED_IN.with_reauthentication(POST=Reauthentication.ALWAYS)
    redirects_to = returns_to = "account"

    def act(self, **kwargs: Any) -> str:
        own_deletion.cancel(user=self.user, client=self.client)
        return _("Your account stays.")
