"""Run the scheduled jobs of accounts once, for installations without Celery beat."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.services import deferred, purge, statistics


class Command(BaseCommand):
    """Delete expired sessions, tokens, codes, trusted browsers and counters, and run jobs that are due.

    These are approved MFA resets, deletions that owners requested, and deferred jobs of processes that died.
    """

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        deferred.sweep()
        resets = purge.perform_due_resets()
        deleted = purge.perform_due_deletions()
        done = f"{resets} MFA resets performed, {deleted} accounts deleted"
        statistics.count_events()
        self.stdout.write(f"{purge.purge_expired()} expired rows removed, {done}.")
