from django.conf import settings
from django.contrib.admin.apps import AdminConfig


class GatedAdminConfig(AdminConfig):
    """Django's admin, which is entered through the pages."""

    default_site = "accounts.pages.admin_site.GatedAdminSite"

    def ready(self) -> None:
        """Load the Celery application, by which tasks find their broker, where there is one."""
        super().ready()
        if settings.CELERY_BROKER_URL:
            from foodfleet import celery  # noqa: F401
