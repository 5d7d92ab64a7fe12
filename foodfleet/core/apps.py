from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The kernel: errors, logs, pagination, throttles, health. Imports no other app."""

    name = "foodfleet.core"
    label = "core"

    def ready(self) -> None:
        from django.conf import settings

        from foodfleet.core import checks, receivers  # noqa: F401  register themselves

        if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
            from foodfleet.core.telemetry import traces

            traces.start()
        if settings.SENTRY_DSN:
            from foodfleet.core.telemetry import sentry

            sentry.start()
        if settings.CELERY_BROKER_URL:
            from foodfleet.core.metrics import tasks  # noqa: F401  registers itself
