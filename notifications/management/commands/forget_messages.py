"""`manage.py forget_messages`: reduce and remove what is old, as beat does; for installations without one."""

from typing import Any

from django.core.management.base import BaseCommand

from notifications.services.operations import retention


class Command(BaseCommand):
    """Empty, reduce and remove messages whose time is over, and reports about them."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        done = retention.forget()
        self.stdout.write(f"{done.reduced} messages reduced, {done.removed} removed.")
