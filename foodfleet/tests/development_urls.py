"""Development's URLconf for any value of DEBUG: every URL of the product and the mailbox."""

from django.urls import include, path

from foodfleet import urls
from foodfleet.urls import handler400, handler403, handler404, handler500

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [path("dev/", include("notifications.pages.dev_urls")), *urls.urlpatterns]
