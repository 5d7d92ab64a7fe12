from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RbacConfig(AppConfig):
    """Who may do what."""

    name = "rbac"
    verbose_name = _("Access")

    def ready(self) -> None:
        from rbac import receivers  # noqa: F401  registers itself
