from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The ground floor: errors, logs, pagination, throttles, health. Knows no other app."""

    name = "foodfleet.core"
    label = "core"

    def ready(self) -> None:
        from foodfleet.core import checks, receivers  # noqa: F401  register themselves
        from foodfleet.core.postgres import receivers as migration_receivers  # noqa: F401
