"""After a new key was put first into ENCRYPTION_KEYS: let nothing that stays rest on the old ones."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import keys, second_factor_keys


class Command(BaseCommand):
    """Encrypt the secrets of authenticator apps and the keys of tokens anew under the newest of ENCRYPTION_KEYS."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        done = second_factor_keys.reencrypt() + keys.reencrypt()
        self.stdout.write(f"{done} secrets are under the newest key now.")
