from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class RbacConfig(AppConfig):
    """Roles and permissions."""

    name = "rbac"
    verbose_name = _("Access")

    def ready(self) -> None:
        from rbac import receivers  # noqa: F401  registers itself
        from rbac.api.checks import check_views

        register(check_views)
