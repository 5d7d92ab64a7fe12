"""Remove what ran out and do what is due, as beat does; for installations without one."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import deferred, purge


class Command(BaseCommand):
    """Remove sessions, tokens, links, codes, browsers and counters that ran out; carry out resets that are due.

    Also does what requests left to do whose process died after its answer.
    """

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        deferred.sweep()
        resets = purge.perform_due_resets()
        self.stdout.write(f"{purge.purge_expired()} expired rows removed, {resets} second factors reset.")
