"""Create a new signing key without ending sessions, or revoke a leaked key."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services.jwt import key_revocation, keyring
from accounts.services.jwt.key_revocation import UnknownKeyError


class Command(BaseCommand):
    """Create a new signing key, which every running process uses without a restart.

    The old key verifies until its last token has expired. With --revoke its tokens are rejected immediately, and the
    sessions that it signed end.
    """

    help = __doc__
    requires_system_checks: list[str] = []  # one of them needs the key that this command creates

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--revoke",
            nargs="?",
            const="",
            metavar="KID",
            help="Reject every token of this key from now on (default: the signing key) and end the sessions that it"
            " signed.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["revoke"] is None:
                self._rotate()
            else:
                self._revoke(options["revoke"])
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None

    def _rotate(self) -> None:
        key = keyring.rotate()
        self.stdout.write(f"{key.algorithm} key {key.kid} signs from now on.")
        self.stdout.write(f"The old key verifies for {keyring.longest_life().days} more days: nobody is logged out.")

    def _revoke(self, kid: str) -> None:
        try:
            done = key_revocation.revoke(kid)
        except UnknownKeyError:
            known = ", ".join(keyring.verifying_kids())
            raise CommandError(f"There is no key {kid}. Keys that verify: {known}.") from None
        self.stdout.write(f"{done.key.algorithm} key {done.key.kid} signs from now on.")
        self.stdout.write(f"Tokens of key {done.kid} are rejected from now on. Sessions ended: {done.sessions_ended}.")
