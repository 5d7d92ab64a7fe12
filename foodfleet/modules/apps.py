from django.apps import AppConfig


class ModulesConfig(AppConfig):
    """Discovery and registry of modules, and the command `startmodule`."""

    name = "foodfleet.modules"
    label = "modules"
