"""Create an administrator or reset their password; `make admin` runs it."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services.staff import administrators


class Command(BaseCommand):
    """Create or reset a superuser with a generated password, and print it once."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", nargs="?", default=administrators.DEFAULT_EMAIL, help="(default: %(default)s)")
        parser.add_argument("--first", action="store_true", help="do nothing if there is a superuser")

    def handle(self, *args: Any, email: str, first: bool, **options: Any) -> None:
        if settings.DEBUG and not first:
            call_command("migrate", verbosity=0)
        try:
            access = administrators.create_first() if first else administrators.create_or_reset(email)
        except ValidationError as error:
            raise CommandError(f"{email}: {' '.join(error.messages)}") from None
        if access is None:
            return
        title = "First administrator" if first else "New administrator" if access.is_new else "New password"
        self.stdout.write(f"\n  {title} (shown this once):")
        self.stdout.write(f"    e-mail    {access.email}\n    password  {access.password}\n")
