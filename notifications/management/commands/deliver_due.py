"""`manage.py deliver_due`: send what is due, without a broker."""

import os
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any, TypeVar

import structlog
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection, connections

from notifications.services.delivery import liveness
from notifications.services.delivery import sweep as delivery_sweep
from notifications.services.delivery.dispatcher import Drain
from notifications.services.delivery.priority_queue import Limits
from notifications.services.feedback import outcomes, sms_log
from notifications.services.operations import retention
from notifications.states import Channel

logger = structlog.get_logger(__name__)
T = TypeVar("T")
ONE_DRAIN = 5.0  # seconds; the end of the watch waits for no longer
PATIENCE = 5  # looks in a row that fail before it is said


class Command(BaseCommand):
    """Send every due message once over, or keep watch and do all that beat does where there is a broker."""

    help = "Send messages that are due. With --watch, look again every few seconds until the parent process ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--watch", action="store_true", help="stay, for as long as the process that started this")
        parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="how often to look (default 2)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Once, or until the parent is gone: a server's watch must not outlive it."""
        if options["watch"]:
            Watch(options["every"]).run()
            return
        delivery_sweep.sweep()
        with ThreadPoolExecutor(len(Channel)) as threads:
            sent = sum(threads.map(send_all, Channel))
        self.stdout.write(f"{sent} sent")


def send_all(channel: Channel) -> int:
    """Send all that is due in a channel; returns how many messages that were. For a thread of its own."""
    try:
        sent, is_more = 0, True
        while is_more:
            result = Drain(Limits(channel)).run()
            sent, is_more = sent + result.sent, result.is_more
        return sent
    finally:
        connections.close_all()


class Watch:
    """A thread for each channel, so that none waits for another, and one for everything else."""

    def __init__(self, every: float) -> None:
        self.every = every
        self._has_ended = threading.Event()

    def run(self) -> None:
        """Until the parent process is gone, or one of the threads."""
        parent = os.getppid()
        senders = [threading.Thread(target=self.send, args=[channel], name=channel) for channel in Channel]
        for sender in senders:
            sender.start()
        chores = Chores()
        try:
            while os.getppid() == parent and all(sender.is_alive() for sender in senders):
                self.look(lambda: chores.do_what_is_due(time.monotonic()))
                if self.look(delivery_sweep.sweep):
                    self.look(liveness.seen)
                self._has_ended.wait(self.every)
        finally:
            self._has_ended.set()
            for sender in senders:
                sender.join()
        if os.getppid() == parent:
            raise CommandError("A thread that sends messages has failed.")

    def send(self, channel: Channel) -> None:
        """Send what is due in a channel, again and again."""
        failures = 0
        try:
            while not self._has_ended.is_set():
                result = self.look(lambda: Drain(Limits(channel, seconds=ONE_DRAIN)).run())
                failures = 0 if result else failures + 1
                if failures == PATIENCE:  # a server that starts beside us may still be migrating
                    logger.warning("database_unreachable", used_for="deliver_due", channel=channel.value)
                if result is None or not result.is_more:
                    self._has_ended.wait(self.every)
        finally:
            connections.close_all()

    @staticmethod
    def look(work: Callable[[], T]) -> T | None:
        """Do `work`; None where the database is away."""
        try:
            return work()
        except Error:
            connection.close()
            return None


class Chores:
    """What CELERY_BEAT_SCHEDULE has beat do beside delivery, about as often."""

    def __init__(self) -> None:
        self._chores: list[tuple[float, Callable[[], object]]] = [
            (60.0, outcomes.apply_waiting),
            (60.0, sms_log.read),
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
