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
    """A free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment_of(**values):
    """A clean environment, without the variables of the tests' own process."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**inherited, "SECRET_KEY": SECRET_KEY, "BCRYPT_ROUNDS": "4", "LOG_LEVEL": "INFO", **values}


def manage(*arguments, **environment):
    """Run manage.py to its end."""
    subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=environment_of(**environment), check=True, capture_output=True, timeout=300,
    )  # fmt: skip


def collect_static(**environment):
    """Collect the static files that changed, which the production server does at its start."""
    manage("collectstatic", "--if-changed", "--noinput", "--verbosity", "0", **environment)


def pause(popen):
    """Stop a process; return when its last thread stands still, which on a busy machine takes a while."""
    popen.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, popen.pid, os.WSTOPPED)


def resume(popen):
    """Continue a paused process."""
    popen.send_signal(signal.SIGCONT)


class Process:
    """A process that logs to a file and ends with all its children."""

    def __init__(self, command, log, folder=ROOT, **environment):
        self.log = Path(log)
        with self.log.open("w") as file:
            self.popen = subprocess.Popen(
                command, cwd=folder, env=environment_of(**environment), stdout=file, stderr=file, start_new_session=True
            )

    def stop(self, with_signal=signal.SIGTERM):
        """Terminate it; kill it after 15 seconds."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, with_signal)
        try:
            self.popen.wait(15)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait(5)


def wait_until(condition, seconds=40, what="it"):
    """Wait until the condition is true; return its value."""
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
    return [str(BIN / "celery"), "--quiet", "--app", "foodfleet", "worker", "--loglevel", "INFO", "--concurrency", "1"]


def beat_command():
    """What `make beat` runs, with its schedule in memory."""
    return [
        str(BIN / "celery"), "--quiet", "--app", "foodfleet", "beat", "--loglevel", "INFO",
        "--scheduler", "celery.beat:Scheduler",
    ]  # fmt: skip


def moto_command(port):
    """Moto's server: a fake Amazon."""
    return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]


class PrivateRedis:
    """A Redis server of one test, which can be killed, restarted with saved data, or frozen."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self):
        """Start with the data that was saved last."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        self.popen = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        wait_until(self._answers, what="the start of redis-server")

    def _answers(self):
        with contextlib.suppress(redis.ConnectionError):
            return self.client().ping()

    def client(self):
        """A client of it."""
        return redis.Redis(port=self.port)

    def save(self):
        """Save the data that it restarts with."""
        self.client().save()

    def forget_saved(self):
        """Restart empty."""
        (Path(self.folder) / "dump.rdb").unlink(missing_ok=True)

    def freeze(self):
        """Keep connections and answer nothing."""
        pause(self.popen)

    def thaw(self):
        """Continue."""
        resume(self.popen)

    def kill(self):
        """Kill it."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGKILL)
            self.popen.wait()
