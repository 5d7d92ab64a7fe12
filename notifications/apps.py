from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    """Telling people."""

    name = "notifications"
    verbose_name = _("Notifications")

    def ready(self) -> None:
        from foodfleet.core import health
        from notifications import receivers  # noqa: F401  registers itself
        from notifications.services import liveness

        health.register("delivery", liveness.delivery_state)
