"""Serve the whole product with embedded defaults; `make run` runs it."""

import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class Command(BaseCommand):
    """Migrate, create a first administrator, then serve and reload on changes."""

    help = __doc__
    requires_system_checks: list[str] = []  # `make test` runs them; here they would delay each start by a second

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", help="host:port to serve on")

    def handle(self, *args: Any, address: str, **options: Any) -> None:
        _ensure_free(address)
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write("Preparing the database ...")
            self.stdout.flush()
            call_command("migrate", verbosity=0, skip_checks=True)
        call_command("administrator", first=True, stdout=self.stdout)
        self.stdout.write(
            f"\nFoodFleet  {settings.PUBLIC_URL}/\n"
            f"  mail and texts  {settings.PUBLIC_URL}/dev/mailbox/\n"
            f"  API             {settings.PUBLIC_URL}/api/v1/docs/\n"
            f"  admin           {settings.PUBLIC_URL}/admin/\n"
        )
        self.stdout.flush()
        # The reloader starts this process again with these arguments each time a file changes.
        sys.argv[1:] = ["runserver", "--skip-checks", address]
        call_command("runserver", address, skip_checks=True)


def _ensure_free(address: str) -> None:
    """Raise CommandError if the port is taken. `runserver` reports an invalid address."""
    host, _separator, port = address.rpartition(":")
    if not port.isdigit():
        return
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as runserver does
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            raise CommandError(f"Port {port} is taken ({error.strerror}). Try: make run PORT=8001") from None
