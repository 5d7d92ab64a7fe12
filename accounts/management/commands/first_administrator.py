"""`make run` offers a way in: an administrator whose password is shown once."""

import secrets
from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import User

EMAIL = "admin@foodfleet.example"
PASSWORD_BYTES = 15


class Command(BaseCommand):
    """Make the first superuser with a generated password and print it; do nothing where there is one."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(is_superuser=True).exists() or User.objects.with_email(EMAIL).exists():
            return
        password = f"{secrets.token_urlsafe(PASSWORD_BYTES)}-A1z"  # the tail satisfies every rule of composition
        User.objects.create_superuser(EMAIL, password)
        self.stdout.write(
            f"\n  First administrator (shown this once):\n    e-mail    {EMAIL}\n    password  {password}\n"
        )
