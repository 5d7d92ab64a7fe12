"""Write users to a CSV file."""

import csv
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services.staff import exports


class Command(BaseCommand):
    """Write all users to a CSV file that import_users can read: no passwords, no secrets.

    Roles that expire are left out, because a file cannot say when.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="CSV file to write; it must not exist")

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        try:
            with options["file"].open("x", encoding="utf-8", newline="") as target:
                table = csv.writer(target, lineterminator="\n")
                table.writerow(exports.COLUMNS)
                for row in exports.rows():
                    table.writerow(row)
                    count += 1
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from None
        self.stdout.write(f"{count:,} users.")
