"""All URLs of FoodFleet."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularSwaggerSplitView

from accounts.api.views.programs.tokens import jwks
from foodfleet.core import branding
from foodfleet.core.http import health
from foodfleet.core.http.access import PUBLIC, declare
from foodfleet.core.http.views import api_not_found
from foodfleet.core.metrics import scrape
from foodfleet.modules import registry
from foodfleet.openapi.views import SchemaView

handler400 = "foodfleet.core.http.errors.bad_request"
handler403 = "foodfleet.core.http.errors.permission_denied"
handler404 = "foodfleet.core.http.errors.not_found"
handler500 = "foodfleet.core.http.errors.server_error"

urlpatterns = [
    path("api/v1/", include("accounts.api.urls")),
    path("api/v1/", include("rbac.api.urls")),
    path("api/v1/", include("notifications.api.urls")),
    path("api/v1/schema/", declare(PUBLIC, SchemaView.as_view()), name="schema"),
    path("api/v1/docs/", declare(PUBLIC, SpectacularSwaggerSplitView.as_view(url_name="schema")), name="docs"),
    path("health/live/", health.live, name="health_live"),
    path("health/ready/", health.ready, name="health_ready"),
    path("metrics", scrape.metrics, name="metrics"),
    path(".well-known/jwks.json", jwks, name="jwks"),
    path("site-colors.css", branding.stylesheet, name="site_colors"),
    path("admin/", admin.site.urls),
    path("", include("accounts.pages.urls")),
    path("", include("notifications.pages.urls")),
]
for module in registry.installed():
    for prefix, submodule in ((f"api/v1/{module.url}/", "api.urls"), (f"{module.url}/", "pages.urls")):
        if module.has(submodule):
            urlpatterns.append(path(prefix, include(f"{module.name}.{submodule}")))
if settings.DEBUG:
    urlpatterns.append(path("dev/", include("notifications.pages.dev_urls")))
urlpatterns.append(re_path(r"^api/", api_not_found))
