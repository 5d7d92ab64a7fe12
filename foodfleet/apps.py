from django.conf import settings
from django.contrib.admin.apps import AdminConfig


class GatedAdminConfig(AdminConfig):
    """Django's admin, with the pages' sign-in."""

    default_site = "accounts.pages.admin_site.GatedAdminSite"

    def ready(self) -> None:
        """Load the Celery application, through which tasks find the broker."""
        super().ready()
        if settings.CELERY_BROKER_URL:
            from foodfleet import celery  # noqa: F401
