"""Create users from a CSV file or the JSON of a Keycloak realm."""

import csv
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.services.staff import imports
from accounts.services.staff.imports import Mode, Progress
from foodfleet.core.exceptions import ForbiddenException, UnauthorizedException, ValidationException
from foodfleet.core.http.clients import Client

PROGRESS_SECONDS = 10.0  # between two lines of progress in a log; on a terminal one line is updated
IMPORTER = Client(user_agent="manage.py import_users")


class Command(BaseCommand):
    """Create an account for each line of a CSV file, or each user of a Keycloak realm, whose address has none.

    A CSV file is in UTF-8. Its first line names the columns, in any order: email, and others that docs/users.md
    describes. An invalid line is reported and does not stop the import. An interrupted import can be run again.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="CSV file, or JSON of a Keycloak realm, to read")
        parser.add_argument("--dry-run", action="store_true", help="check every line and create nothing")
        parser.add_argument("--invite", action="store_true", help="mail owners without a password a link to choose one")
        parser.add_argument(
            "--actor", help="e-mail address of the user whose permissions are required (default: the system)"
        )
        parser.add_argument("--errors", type=Path, help="CSV file for the report of rejected lines (default: print it)")

    def handle(self, *args: Any, **options: Any) -> None:
        path, report = options["file"], options["errors"]
        mode = Mode.CHECK if options["dry_run"] else Mode.INVITE if options["invite"] else Mode.CREATE
        if not path.is_file():
            raise CommandError(f"{path}: there is no such file.")
        if report and report.exists() and report.samefile(path):
            raise CommandError("The report must be another file than the one to read.")
        arguments = {"mode": mode, "client": IMPORTER, "actor": _actor(options["actor"])}
        try:
            with path.open("rb") as source:
                if report is None:
                    self._import(source, arguments, self.stdout)
                else:
                    with report.open("w", encoding="utf-8", newline="") as target:
                        self._import(source, arguments, target)
        except ValidationException as error:
            raise CommandError(f"{path}: {error.details['file'][0]['message']}") from None
        except (ForbiddenException, UnauthorizedException) as error:
            raise CommandError(f"{options['actor']} may not import this: {error}") from None
        except OSError as error:
            raise CommandError(f"{error.filename or path}: {error.strerror}") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run it again to continue.") from None

    def _import(self, source: BinaryIO, arguments: dict[str, Any], report: Any) -> None:
        table = csv.writer(report, lineterminator="\n")
        table.writerow(("line", "field", "message"))
        mode: Mode = arguments["mode"]
        progress, start, shown_at = Progress(), monotonic(), monotonic()
        total = max(Path(source.name).stat().st_size, 1)
        for progress in imports.import_users(source, **arguments):
            table.writerows((one.line, one.field, one.message) for one in progress.problems)
            report.flush()
            if self.stderr.isatty() or monotonic() - shown_at > PROGRESS_SECONDS:
                shown_at = monotonic()
                rate = progress.lines / max(shown_at - start, 0.001)
                self._show(f"{progress.position / total:4.0%}  {_summary(progress, mode)}, {rate:,.0f} lines a second")
        if self.stderr.isatty():
            self.stderr.write("")
        self.stdout.write(_summary(progress, mode) + ".")

    def _show(self, text: str) -> None:
        on_terminal = self.stderr.isatty()
        self.stderr.write(f"\r{text}\033[K" if on_terminal else text, ending="" if on_terminal else "\n")
        self.stderr.flush()


def _actor(email: str | None) -> User | None:
    if email is None:
        return None
    actor: User | None = User.objects.with_email(email).first()
    if actor is None:
        raise CommandError(f"There is no user {email}.")
    return actor


def _summary(progress: Progress, mode: Mode) -> str:
    created = {Mode.CHECK: "to be created", Mode.CREATE: "created", Mode.INVITE: "created and invited"}[mode]
    return (
        f"{progress.lines:,} lines: {progress.created:,} {created}, {progress.present:,} already there, "
        f"{progress.refused:,} rejected"
    )
