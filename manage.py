#!/usr/bin/env python
"""Django's command line for FoodFleet."""

import os
import sys

from django.core.management import execute_from_command_line

# What says that this is a deployment. Where none of them is set, a command gets the embedded settings of `make run`.
DEPLOYED = ("DEBUG", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "PUBLIC_URL")
EMBEDDED = {"DEBUG": "true", "ADMIN_REQUIRE_2FA": "false"}


def use_embedded_settings_in_a_fresh_clone() -> None:
    """Let every command work without an environment, on the data of `make run`; not Django's deployment check."""
    names = [*DEPLOYED, *(f"{name}_FILE" for name in DEPLOYED)]
    if "--deploy" not in sys.argv and not any(os.environ.get(name, "").strip() for name in names):
        for name, value in EMBEDDED.items():
            os.environ[name] = os.environ.get(name, "").strip() or value


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foodfleet.settings")
    use_embedded_settings_in_a_fresh_clone()
    execute_from_command_line(sys.argv)
