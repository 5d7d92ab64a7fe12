from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RbacConfig(AppConfig):
    """Who may do what."""

    name = "rbac"
    verbose_name = _("Access")
