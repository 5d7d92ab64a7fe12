from django.apps import AppConfig


class DemoConfig(AppConfig):
    """The command that generates a company. It has no tables."""

    name = "foodfleet.demo"
    label = "demo"
