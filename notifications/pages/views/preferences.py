"""Notification preferences and unsubscribe links."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import FormView

from accounts.models.users import signed_in_user
from foodfleet.core.http.access import PUBLIC, SIGNED_IN, endpoint, viewable
from notifications.exceptions import UnsubscribeLinkException
from notifications.pages.forms import PreferencesForm
from notifications.services.audience import preferences


@viewable
@method_decorator(never_cache, name="dispatch")
class PreferencesPage(FormView):  # type: ignore[type-arg]  # FormView is generic only in its stubs
    """Turn kinds of messages on and off."""

    access = SIGNED_IN
    template_name = "accounts/preferences.html"
    form_class = PreferencesForm
    http_method_names = ["get", "head", "post", "options"]

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "current": preferences.of(signed_in_user(self.request))}

    def form_valid(self, form: PreferencesForm) -> HttpResponse:
        preferences.change(user=signed_in_user(self.request), changes=form.changes)
        messages.success(self.request, _("Preferences saved."))
        return redirect("account_preferences")


@never_cache
@csrf_exempt  # mail programs post here (RFC 8058), authorized by the signed token
@endpoint(PUBLIC, "GET", "POST")
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Unsubscribe from one kind of message without signing in.

    A GET only shows a confirmation, because mail scanners open links.
    """
    posted = request.method == "POST"
    try:
        owner, kind = preferences.unsubscribe(token) if posted else preferences.read_link(token)
    except UnsubscribeLinkException:
        return render(request, "accounts/unsubscribe.html", {"valid": False}, status=404)
    context = {"token": token, "valid": True, "done": posted, "kind": kind.label, "email": owner.email}
    return render(request, "accounts/unsubscribe.html", context)
