"""Make a new key to sign tokens with, and log nobody out."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from accounts.services import keys


class Command(BaseCommand):
    """Every running process uses the new key without a restart; the old one verifies until its last token expired."""

    help = __doc__
    requires_system_checks: list[str] = []  # one of them asks for the key that this makes

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key = keys.rotate()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{key.algorithm} key {key.kid} signs from now on.")
        self.stdout.write(f"The old key verifies for {keys.longest_life().days} more days: nobody is logged out.")
