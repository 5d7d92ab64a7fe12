"""`manage.py deliver_due`: send what is due, without a broker."""

import os
import time
from argparse import ArgumentParser
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from notifications.services import recovery
from notifications.services.drain import Drain

logger = structlog.get_logger(__name__)
PATIENCE = 5  # looks in a row that fail before it is said


class Command(BaseCommand):
    """Send every due message once over, or keep watch."""

    help = "Send messages that are due. With --watch, look again every few seconds until the parent process ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--watch", action="store_true", help="stay, for as long as the process that started this")
        parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="how often to look (default 2)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Once, or until the parent is gone: a server's watch must not outlive it."""
        if not options["watch"]:
            self.stdout.write(f"{self.deliver()} sent")
            return
        parent = os.getppid()
        failures = 0
        while os.getppid() == parent:
            time.sleep(options["every"])
            try:
                self.deliver()
                failures = 0
            except DatabaseError as error:
                failures += 1
                connection.close()
                if failures == PATIENCE:  # a server that starts beside us may still be migrating
                    logger.warning("database_unreachable", used_for="deliver_due", error=type(error).__name__)

    def deliver(self) -> int:
        """One look; returns how many were sent."""
        if not recovery.sweep().due:
            return 0
        result = Drain().run()
        return result.sent + (self.deliver() if result.is_more else 0)
