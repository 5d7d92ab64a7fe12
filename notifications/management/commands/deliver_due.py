"""`manage.py deliver_due`: send what is due, without a broker."""

import os
import time
from argparse import ArgumentParser
from collections.abc import Callable
from io import StringIO
from typing import Any

import structlog
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import Error, connection

from notifications.services import feedback, recovery, retention, text_log
from notifications.services.drain import Drain, Drained

logger = structlog.get_logger(__name__)
PATIENCE = 5  # looks in a row that fail before it is said


class Command(BaseCommand):
    """Send every due message once over, or keep watch and do all that beat does where there is a broker."""

    help = "Send messages that are due. With --watch, look again every few seconds until the parent process ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--watch", action="store_true", help="stay, for as long as the process that started this")
        parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="how often to look (default 2)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Once, or until the parent is gone: a server's watch must not outlive it."""
        if not options["watch"]:
            result = self.deliver()
            sent = result.sent
            while result.is_more:
                result = self.deliver()
                sent += result.sent
            self.stdout.write(f"{sent} sent")
            return
        parent = os.getppid()
        failures = 0
        chores = Chores()
        is_more = False
        while os.getppid() == parent:
            if not is_more:
                time.sleep(options["every"])
            try:
                is_more = self.deliver().is_more
                chores.do_what_is_due(time.monotonic())
                failures = 0
            except Error as error:
                is_more = False
                failures += 1
                connection.close()
                if failures == PATIENCE:  # a server that starts beside us may still be migrating
                    logger.warning("database_unreachable", used_for="deliver_due", error=type(error).__name__)

    def deliver(self) -> Drained:
        """One look, and one drain where something is due."""
        return Drain().run() if recovery.sweep().due else Drained()


class Chores:
    """What CELERY_BEAT_SCHEDULE has beat do beside delivery, about as often."""

    def __init__(self) -> None:
        self._chores: list[tuple[float, Callable[[], object]]] = [
            (60.0, feedback.apply_waiting),
            (60.0, text_log.read),
            (300.0, lambda: call_command("purge_expired", stdout=StringIO())),
            (3600.0, retention.forget),
        ]
        self._due = [0.0] * len(self._chores)

    def do_what_is_due(self, now: float) -> None:
        """now: by `monotonic`, in seconds."""
        for number, (pause, chore) in enumerate(self._chores):
            if now >= self._due[number]:
                self._due[number] = now + pause
                try:
                    chore()
                except OSError:  # of the storage: delivery goes on meanwhile
                    logger.exception("chore_failed")
