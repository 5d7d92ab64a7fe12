"""Synchronise permissions and default roles with what the code declares."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rbac.services import sync


class Command(BaseCommand):
    """Does what `migrate` does too; with --check only reports, with exit code 1 where something is to be done."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where something is to be done")

    def handle(self, *args: Any, **options: Any) -> None:
        report = sync.dry_run() if options["check"] else sync.synchronise()
        for sentence in report.changes:
            self.stdout.write(sentence)
        if options["check"] and report.changes:
            raise CommandError("The database is not in line with the code; run manage.py sync_permissions.")
        if not report.changes:
            self.stdout.write("Permissions and default roles are in line with the code.")
