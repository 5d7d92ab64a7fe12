"""`make run`: the whole product on embedded defaults, in one start."""

import sys
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Migrate, offer a first administrator, then serve and reload on changes."""

    help = __doc__
    requires_system_checks: list[str] = []  # `make test` runs them; here they would cost each start a second

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", help="host:port to serve on")

    def handle(self, *args: Any, address: str, **options: Any) -> None:
        call_command("migrate", verbosity=0, skip_checks=True)
        call_command("first_administrator", stdout=self.stdout)
        self.stdout.write(
            f"FoodFleet  http://{address}/\n"
            f"  mail and texts  http://{address}/dev/mailbox/\n"
            f"  API             http://{address}/api/v1/docs/\n"
            f"  admin           http://{address}/admin/\n"
        )
        self.stdout.flush()
        # The reloader starts this process again with these words, each time that a file changes.
        sys.argv[1:] = ["runserver", "--skip-checks", address]
        call_command("runserver", address, skip_checks=True)
