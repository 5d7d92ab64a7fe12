"""Fill an empty installation with a company for demonstrations."""

from time import monotonic
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from foodfleet.demo import company
from foodfleet.demo.people import PASSWORD, sign_in_address
from rbac.permissions import ROLES

SMALLEST = 20  # people: the accounts of default roles, and some others


class Command(BaseCommand):
    """Generate a company with 5,000 people, and a month of their security events and messages.

    Nothing is sent. It needs DEBUG and a database whose only accounts are superusers; a second call changes nothing.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--people", type=int, default=5000, help="how many (default: %(default)s)")
        parser.add_argument("--seed", type=int, default=1, help="a different seed generates different people")

    def handle(self, *args: Any, people: int, seed: int, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "This is production (DEBUG is off), and the demo company has accounts with a known password. "
                "Nothing was created."
            )
        if people < SMALLEST:
            raise CommandError(f"Give at least {SMALLEST} people.")
        began = monotonic()
        try:
            is_new = company.create(people=people, seed=seed)
        except company.OthersExistError as error:
            raise CommandError(str(error)) from None
        if is_new:
            self.stdout.write(f"Created {people:,} people in {monotonic() - began:.0f} seconds. Nothing was sent.")
        else:
            self.stdout.write("The demo company exists already. Nothing was changed.")
        self.stdout.write(f"\nSign in at {settings.PUBLIC_URL}/login/ with the password {PASSWORD} as\n")
        for role in ROLES:
            self.stdout.write(f"  {sign_in_address(role.name):30} {role.name}")
