"""View as: the page that asks for a reason and starts the viewing, and the button that ends it."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.exceptions import UserNotFoundException
from accounts.models import User
from accounts.pages import viewing
from accounts.pages.forms.view_as import ReasonForm
from accounts.pages.views.base import SignedInFormPage
from accounts.services.staff import protections, view_as
from foodfleet.core.http.access import SIGNED_IN, Reauthentication, declare, endpoint
from rbac.api.guards import require_permission

ALWAYS = Reauthentication.ALWAYS


@require_permission(*view_as.PERMISSION.split(":"))
class StartPage(SignedInFormPage):
    """Ask for a reason, and start the viewing."""

    template_name = "accounts/view_as.html"
    form_class = ReasonForm
    error_field = "reason"

    @cached_property
    def viewed(self) -> User:
        """The user of the URL."""
        try:
            return protections.find(self.kwargs["pk"])
        except UserNotFoundException as error:
            raise Http404 from error

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._redirect_to_admin_login() or super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._redirect_to_admin_login() or super().post(request, *args, **kwargs)

    def _redirect_to_admin_login(self) -> HttpResponse | None:
        """Return a redirect unless the user may use the admin, for which this page has the same requirements."""
        if admin.site.has_permission(self.request):
            return None
        return redirect_to_login(self.request.get_full_path(), reverse("admin:login"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        reason = view_as.why_not_allowed(self.user, self.viewed)
        return {**super().get_context_data(**kwargs), "viewed": self.viewed, "why_not_allowed": reason}

    def accepted(self, form: ReasonForm) -> HttpResponse:
        started = view_as.start(
            actor=self.user,
            pk=self.viewed.pk,
            reason=form.cleaned_data["reason"],
            session_id=self.session_id,
            client=self.client,
        )
        viewing.begin(self.request, started)
        return redirect("account")


declare(StartPage.access.with_reauthentication(GET=ALWAYS, POST=ALWAYS), StartPage)


@never_cache
@endpoint(SIGNED_IN, "POST")
def end(request: HttpRequest) -> HttpResponse:
    """End the viewing, and redirect to the page of the viewed user in the admin."""
    viewed = viewing.leave(request)
    if viewed is None:
        return redirect("account")
    messages.success(request, _("You see the product as yourself again."))
    return redirect("admin:accounts_user_change", viewed)
