"""Re-encrypt stored secrets after a new key was added at the beginning of ENCRYPTION_KEYS."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from foodfleet.core.database import encrypted


class Command(BaseCommand):
    """Re-encrypt everything with the first of ENCRYPTION_KEYS, or only report which keys are still needed."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail if an old key is still needed")

    def handle(self, *args: Any, **options: Any) -> None:
        states = []
        for column in encrypted.COLUMNS:
            state = encrypted.look(column) if options["check"] else encrypted.reencrypt(column)
            moved = "" if options["check"] else f" ({state.moved} re-encrypted)"
            self.stdout.write(f"{encrypted.described(column, state)}{moved}")
            states.append(state)
        if any(state.unreadable for state in states):
            raise CommandError(
                "Some values cannot be decrypted with any of ENCRYPTION_KEYS. Add the missing key again."
            )
        if not all(state.is_current for state in states):
            raise CommandError("Keys other than the first are still needed: run reencrypt_secrets without --check.")
