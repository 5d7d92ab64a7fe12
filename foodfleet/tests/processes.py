"""Whole processes of FoodFleet and of what it talks to, for tests from the outside."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import redis
import requests

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SECRET_KEY = "a-key-of-whole-processes-that-protects-nothing-at-all-0123456789"


def free_port():
    """A port of loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment_of(**values):
    """A clean environment: none of the variables that the tests' own process was given."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**inherited, "SECRET_KEY": SECRET_KEY, "BCRYPT_ROUNDS": "4", "LOG_LEVEL": "INFO", **values}


def manage(*arguments, **environment):
    """Run manage.py to its end."""
    subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=environment_of(**environment), check=True, capture_output=True, timeout=120,
    )  # fmt: skip


def collect_static(**environment):
    """Collect the static files that changed, which the production server does at its start."""
    manage("collectstatic", "--if-changed", "--noinput", "--verbosity", "0", **environment)


class Process:
    """A process with its output in a file; ended with all its children."""

    def __init__(self, command, log, **environment):
        self.log = Path(log)
        with self.log.open("w") as file:
            self.popen = subprocess.Popen(
                command, cwd=ROOT, env=environment_of(**environment), stdout=file, stderr=file, start_new_session=True
            )

    def stop(self, with_signal=signal.SIGTERM):
        """End it, kindly first."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, with_signal)
        try:
            self.popen.wait(15)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait(5)


def wait_until(condition, seconds=40, what="it"):
    """Ask until the answer is true; returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            answer = condition()
            if answer:
                return answer
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def web_command(port, workers=1):
    """What `make serve` runs."""
    return [sys.executable, "-m", "foodfleet.serve", "--port", str(port), "--workers", str(workers)]


def worker_command():
    """What `make worker` runs, with as little of it as a test needs."""
    return [str(BIN / "celery"), "--app", "foodfleet", "worker", "--loglevel", "INFO", "--concurrency", "1"]


def beat_command():
    """What `make beat` runs, with its schedule in memory."""
    return [
        str(BIN / "celery"), "--app", "foodfleet", "beat", "--loglevel", "INFO",
        "--scheduler", "celery.beat:Scheduler",
    ]  # fmt: skip


def moto_command(port):
    """Amazon, as moto plays it."""
    return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]


class PrivateRedis:
    """A Redis server of one test alone, which can die, come back with what it had saved, or not answer."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self):
        """Begin with what was saved last, if anything was."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        self.popen = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        wait_until(self._answers, what="the start of redis-server")

    def _answers(self):
        with contextlib.suppress(redis.ConnectionError):
            return self.client().ping()

    def client(self):
        """Ask it something."""
        return redis.Redis(port=self.port)

    def save(self):
        """What it knows now is what it comes back with."""
        self.client().save()

    def forget_saved(self):
        """It comes back empty."""
        (Path(self.folder) / "dump.rdb").unlink(missing_ok=True)

    def freeze(self):
        """It keeps its connections and answers nothing."""
        self.popen.send_signal(signal.SIGSTOP)

    def thaw(self):
        """It goes on."""
        self.popen.send_signal(signal.SIGCONT)

    def kill(self):
        """It is gone, without a word."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGKILL)
            self.popen.wait()
