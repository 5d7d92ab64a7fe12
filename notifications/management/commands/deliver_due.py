"""`manage.py deliver_due`: send due messages, without a broker."""

import os
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from itertools import count
from typing import Any, TypeVar

import structlog
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connection, connections

from foodfleet.core.http import health
from foodfleet.core.logging import log_all_output
from foodfleet.core.metrics.counters import writer
from foodfleet.modules import registry
from foodfleet.modules.registry import ScheduledTask
from notifications.services.delivery import liveness
from notifications.services.delivery import sweep as delivery_sweep
from notifications.services.delivery.dispatcher import Dispatcher
from notifications.services.delivery.priority_queue import Limits
from notifications.services.feedback import outcomes, sms_log
from notifications.services.operations import retention, statistics
from notifications.states import Channel

logger = structlog.get_logger(__name__)
T = TypeVar("T")
DISPATCH_SECONDS = 5.0  # the watch waits at most so long for dispatchers when it ends
FAILURES_BEFORE_WARNING = 5


class Command(BaseCommand):
    """Sends due messages once, or with --watch continuously, together with the tasks of Celery's beat."""

    help = "Send due messages. With --watch, repeat every few seconds until the parent process ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--watch", action="store_true", help="run until the parent process ends")
        parser.add_argument(
            "--every", type=float, default=2.0, metavar="SECONDS", help="the interval of --watch (default 2)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run once, or until the parent process has ended."""
        if options["watch"]:
            log_all_output()
            writer.start()
            Watch(options["every"]).run()
            return
        delivery_sweep.sweep()
        with ThreadPoolExecutor(len(Channel)) as threads:
            sent = sum(threads.map(send_all, Channel))
        self.stdout.write(f"{sent} sent")


def send_all(channel: Channel) -> int:
    """Send all due messages of a channel and return their number. Runs in a separate thread."""
    try:
        sent, is_more = 0, True
        while is_more:
            result = Dispatcher(Limits(channel)).run()
            sent, is_more = sent + result.sent, result.is_more
        return sent
    finally:
        connections.close_all()


class Watch:
    """Runs a thread for each channel, so that none waits for another, and one for everything else."""

    def __init__(self, every: float) -> None:
        self.every = every
        self._has_ended = threading.Event()

    def run(self) -> None:
        """Run until the parent process or one of the threads has ended."""
        parent = os.getppid()
        if not self._wait_for_tables(parent):
            return
        senders = [threading.Thread(target=self.send, args=[channel], name=channel) for channel in Channel]
        for sender in senders:
            sender.start()
        tasks = PeriodicTasks(time.monotonic())
        try:
            while os.getppid() == parent and all(sender.is_alive() for sender in senders):
                self.attempt(lambda: tasks.run_due(time.monotonic()))
                if self.attempt(delivery_sweep.sweep):
                    self.attempt(liveness.record_heartbeat)
                self._has_ended.wait(self.every)
        finally:
            self._has_ended.set()
            for sender in senders:
                sender.join()
        if os.getppid() == parent:
            raise CommandError("A thread that sends messages has failed.")

    def _wait_for_tables(self, parent: int) -> bool:
        """Wait for the migrations of a server that was started together. Returns False if the parent has ended."""
        for look in count(1):
            state = self.attempt(health.migrations_state)
            if state == health.OK:
                break
            if os.getppid() != parent:
                return False
            if look == FAILURES_BEFORE_WARNING:
                if state == health.PENDING:
                    logger.info("waits_for_migrations", used_for="deliver_due")
                else:
                    logger.warning("database_unreachable", used_for="deliver_due")
            self._has_ended.wait(self.every)
        return True

    def send(self, channel: Channel) -> None:
        """Send due messages of a channel until the watch ends."""
        failures = 0
        try:
            while not self._has_ended.is_set():
                result = self.attempt(lambda: Dispatcher(Limits(channel, seconds=DISPATCH_SECONDS)).run())
                failures = 0 if result else failures + 1
                if failures == FAILURES_BEFORE_WARNING:
                    logger.warning("database_unreachable", used_for="deliver_due", channel=channel.value)
                if result is None or not result.is_more:
                    self._has_ended.wait(self.every)
        finally:
            connections.close_all()

    @staticmethod
    def attempt(work: Callable[[], T]) -> T | None:
        """Run `work`; None if the database is unreachable."""
        try:
            return work()
        except Error:
            connection.close()
            return None


class PeriodicTasks:
    """The tasks of CELERY_BEAT_SCHEDULE other than delivery, at similar intervals."""

    def __init__(self, now: float) -> None:
        """Make tasks with an interval due at once, and those with a crontab at its time. now: by `monotonic`."""
        self._tasks = [
            ScheduledTask(60.0, outcomes.apply_waiting),
            ScheduledTask(60.0, sms_log.read),
            ScheduledTask(300.0, lambda: call_command("purge_expired", stdout=StringIO())),
            ScheduledTask(300.0, statistics.count_messages),
            ScheduledTask(3600.0, retention.forget),
            *registry.scheduled_tasks(),
        ]
        self._due = [now + task.pause() if task.is_at_fixed_times else now for task in self._tasks]

    def run_due(self, now: float) -> None:
        """Run the tasks that are due."""
        for number, task in enumerate(self._tasks):
            if now >= self._due[number]:
                self._due[number] = now + task.pause()
                try:
                    task.run()
                except OSError:  # of the storage: delivery continues
                    logger.exception("periodic_task_failed")
