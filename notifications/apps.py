from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    """E-mail and SMS: templates, delivery and feedback."""

    name = "notifications"
    verbose_name = _("Notifications")

    def ready(self) -> None:
        from foodfleet.core.database import encrypted
        from foodfleet.core.http import health
        from notifications import receivers  # noqa: F401  registers itself
        from notifications.models import Message, WebhookEndpoint
        from notifications.services.compose import writing
        from notifications.services.delivery import liveness
        from notifications.services.webhooks.endpoints import SECRET_PURPOSE

        encrypted.COLUMNS.append(encrypted.Column("Queued messages", Message, "payload", writing.PAYLOAD_PURPOSE))
        for title, column in [("Webhook secrets", "secret"), ("Previous webhook secrets", "previous_secret")]:
            encrypted.COLUMNS.append(encrypted.Column(title, WebhookEndpoint, column, SECRET_PURPOSE))
        health.register("delivery", liveness.delivery_state)
