"""The process supervisor behind `foodfleet serve`, `run` and `worker`.

serve and run: the server and, without a broker, a process that delivers messages; when the server ends, all end.
worker: four Celery workers. Any other process that ends is restarted. SIGTERM and SIGINT stop all processes gracefully;
a second signal kills them.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

import structlog
from django.conf import settings
from django.utils.log import configure_logging

from foodfleet.core.logging import log_all_output
from foodfleet.environment import require_broker

logger = structlog.get_logger("foodfleet.supervise")

POLL_SECONDS = 0.2
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before a restart; doubled while the process keeps ending
STABLE_SECONDS = 30.0  # a process that ran for so long is restarted after FIRST_PAUSE
RUN_FIRST_SECONDS = 5.0  # delivery starts later: `make run` first migrates, or reports that its port is in use
STOP_SECONDS = 30.0  # between SIGTERM and SIGKILL
PR_SET_PDEATHSIG = 1

DJANGO = [sys.executable, "-m", "django"]
CELERY = [sys.executable, "-m", "celery", "--quiet", "--app", "foodfleet"]
WORKER = [*CELERY, "worker", "--loglevel", "INFO"]
DELIVERY = [*DJANGO, "deliver_due", "--watch"]


@dataclass
class Part:
    """A process to keep running. is_main: when it ends, all end."""

    name: str
    command: Sequence[str]
    is_main: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause: float = field(default=FIRST_PAUSE)


def parts_of(target: str, arguments: Sequence[str]) -> list[Part]:
    """Return the processes of a target."""
    if target == "worker":
        require_broker(settings.CELERY_BROKER_URL)
        return [
            Part("sms", [*WORKER, "--hostname", "sms@%h", "--queues", "sms", "--concurrency", "2"]),
            Part("codes", [*WORKER, "--hostname", "codes@%h", "--queues", "codes,default", "--concurrency", "2"]),
            Part("webhooks", [*WORKER, "--hostname", "webhooks@%h", "--queues", "webhooks", "--concurrency", "1"]),
            Part("all", [*WORKER, "--hostname", "all@%h", "--exclude-queues", "sms,webhooks", *arguments]),
        ]
    servers = {
        "serve": [sys.executable, "-m", "foodfleet.serve", *arguments],
        "run": [*DJANGO, "run_embedded", *(arguments or [f"127.0.0.1:{settings.PORT}"])],
    }
    server = Part("server", servers[target], is_main=True)
    start_at = time.monotonic() + RUN_FIRST_SECONDS if target == "run" else 0.0
    return [server] if settings.CELERY_BROKER_URL else [server, Part("delivery", DELIVERY, start_at=start_at)]


class Supervisor:
    """Runs processes until a signal, or until a main one ends."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._signals = 0

    def run(self) -> int:
        """Run the processes. Returns the exit code of the main one, 0 after a signal."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._count_signal)
        code = 0
        while not self._signals:
            ended = [status for part in self._parts if (status := self._check(part)) is not None]
            if ended:
                code = ended[0]
                break
            time.sleep(POLL_SECONDS)
        self._stop()
        return code

    def _count_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1

    def _check(self, part: Part) -> int | None:
        """Start or restart the process if it is time to. Returns the exit code of a main one that ended."""
        now = time.monotonic()
        if part.process is None:
            if now >= part.start_at:
                part.process = subprocess.Popen(  # noqa: S603
                    part.command,
                    start_new_session=True,
                    preexec_fn=_end_with_parent,  # noqa: PLW1509
                )
                part.started_at = now
            return None
        code = part.process.poll()
        if code is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(part.process.pid, signal.SIGTERM)  # child processes that it left behind
        if part.is_main:
            return code if code >= 0 else 128 - code  # the exit code of shells for a signal
        pause = FIRST_PAUSE if now - part.started_at >= STABLE_SECONDS else part.pause
        part.process, part.start_at, part.pause = None, now + pause, min(pause * 2, LONGEST_PAUSE)
        logger.error("process_ended", process=part.name, exit_status=code, starts_again_in=pause)
        return None

    def _stop(self) -> None:
        running = [part.process for part in self._parts if part.process is not None and part.process.poll() is None]
        for process in running:
            process.terminate()
        until, signals = time.monotonic() + STOP_SECONDS, self._signals
        while any(process.poll() is None for process in running):
            if time.monotonic() >= until or self._signals > max(signals, 1):
                for process in running:
                    process.kill()
            time.sleep(POLL_SECONDS / 4)


def _end_with_parent() -> None:
    """Get SIGTERM when the supervisor is killed. Runs in the new process, only on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def run_target(target: str, arguments: Sequence[str]) -> int:
    """Run a target until a signal, or until its server ends. Returns the exit code."""
    parts = parts_of(target, arguments)
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    log_all_output()
    return Supervisor(parts).run()


def become_beat(arguments: Sequence[str]) -> NoReturn:
    """Replace this process by Celery's scheduler, which stores its state in var/."""
    require_broker(settings.CELERY_BROKER_URL)
    settings.VAR_DIR.mkdir(exist_ok=True)
    schedule = str(settings.VAR_DIR / "celerybeat-schedule")
    command = [*CELERY, "beat", "--loglevel", "INFO", "--schedule", schedule, *arguments]
    os.execv(command[0], command)  # noqa: S606
