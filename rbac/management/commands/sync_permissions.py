"""Synchronise permissions and default roles with the code."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rbac.services import sync


class Command(BaseCommand):
    """Synchronise permissions and default roles with the code, as `migrate` does."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; exit with 1 if something has to be changed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        report = sync.dry_run() if options["check"] else sync.synchronise()
        for sentence in report.changes:
            self.stdout.write(sentence)
        if options["check"] and report.changes:
            raise CommandError("The database does not match the code; run manage.py sync_permissions.")
        if not report.changes:
            self.stdout.write("Permissions and default roles match the code.")
