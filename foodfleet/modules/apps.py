from django.apps import AppConfig


class ModulesConfig(AppConfig):
    """Modules: how they are found, what they declare, and the command that lays one out."""

    name = "foodfleet.modules"
    label = "modules"
