"""The admin has no sign-in of its own: staff sign in on the pages, with their lockout and MFA."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from accounts.services.mfa import methods
from foodfleet.core.admin import home, navigation, search
from foodfleet.core.http.access import PUBLIC, STAFF, declare, endpoint

if TYPE_CHECKING:  # unfold has no types
    from django.contrib.admin import AdminSite as UnfoldAdminSite
else:
    from unfold.sites import UnfoldAdminSite


class GatedAdminSite(UnfoldAdminSite):
    """Django's admin, for staff whose session passed MFA (ADMIN_REQUIRE_2FA)."""

    access = STAFF

    @property
    def site_title(self) -> str:  # type: ignore[override]
        """The name of the site."""
        return str(settings.SITE_NAME)

    site_header = site_title
    index_title = _("Home")

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and (
            not settings.ADMIN_REQUIRE_2FA or request.user.is_verified()  # type: ignore[union-attr]
        )

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        return declare(STAFF, super().admin_view(view, cacheable))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return unfold's context, with the names, colours and navigation of this site."""
        return {
            **super().each_context(request),
            "site_title": self.site_title,
            "site_header": self.site_header,
            "site_url": reverse("account"),
            "site_icon": settings.SITE_LOGO or static("foodfleet/favicon.svg"),
            "colors": None,  # in admin.css, because the content security policy forbids styles in the page
            "account_links": [{"title": _("Account security"), "link": reverse("account_security")}],
        }

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """Build the list once for each request: the page, its context and its navigation use it."""
        if app_label is not None:
            return super().get_app_list(request, app_label)
        if not hasattr(request, "app_list"):
            request.app_list = super().get_app_list(request)  # type: ignore[attr-defined]
        found: list[dict[str, Any]] = request.app_list  # type: ignore[attr-defined]
        return found

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show the home page with its cards."""
        response: TemplateResponse = super().index(request, {"cards": home.cards(request), **(extra_context or {})})
        return response

    def get_urls(self) -> list[URLPattern | URLResolver]:
        figures = declare(replace(STAFF, is_automatic=True), self.admin_view(self.figures))
        return [path("figures/", figures, name="figures"), *super().get_urls()]

    def figures(self, request: HttpRequest) -> TemplateResponse:
        """Show the cards alone, for the script that brings the home page up to date."""
        return TemplateResponse(request, "admin/cards.html", {"cards": home.cards(request)})

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show the results of the search field (Ctrl-K); unlike unfold's method, it caches nothing."""
        found = search.find(self, request, request.GET.get("s", ""))
        return TemplateResponse(request, "unfold/helpers/command_results.html", {"results": found})

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        return navigation.groups(self, request)

    @endpoint(PUBLIC)
    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirect to the page to sign in, re-authenticate or set up MFA, and back to the admin afterwards.

        Raises PermissionDenied for users who are not staff.
        """
        next_url = _next_url(request)
        if not request.user.is_authenticated:
            return redirect_to_login(next_url, reverse("login"))
        if self.has_permission(request):
            return HttpResponseRedirect(next_url)
        if not super().has_permission(request):
            raise PermissionDenied
        missing = "reauthenticate" if methods.is_enabled(request.user) else "totp_setup"
        return redirect_to_login(next_url, reverse(missing))

    @endpoint(PUBLIC)
    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().logout(request, extra_context)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the security page, where passwords are changed."""
        return redirect("account_security")


def _next_url(request: HttpRequest) -> str:
    next_url = request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(next_url, {request.get_host()}, require_https=request.is_secure())
    return next_url if safe else reverse("admin:index")
