"""Delete expired rows and run what is due, for installations without Celery beat."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import deferred, purge, statistics


class Command(BaseCommand):
    """Delete expired sessions, tokens, codes, trusted browsers and counters; run what is due.

    Due are approved MFA resets, deletions that owners asked for, and deferred jobs whose process died.
    """

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        deferred.sweep()
        resets = purge.perform_due_resets()
        deleted = purge.perform_due_deletions()
        done = f"{resets} MFA resets done, {deleted} accounts deleted"
        statistics.count_events()
        self.stdout.write(f"{purge.purge_expired()} expired rows removed, {done}.")
