"""`manage.py forget_messages`: apply the retention periods of messages, as beat does."""

from typing import Any

from django.core.management.base import BaseCommand

from notifications.services.operations import retention


class Command(BaseCommand):
    """Empty, reduce and remove old messages and the reports about them."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        done = retention.forget()
        self.stdout.write(f"{done.reduced} messages reduced, {done.removed} removed.")
