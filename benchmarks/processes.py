"""What the benchmarks share: places, databases, processes and their CPU and memory, and a quiet machine."""

import json
import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
FOLDER = ROOT / "var" / "bench"
PEER_PYTHON = FOLDER / "venv" / "bin" / "python"
SERVER = os.environ.get("BENCH_DATABASE", "postgres://postgres@127.0.0.1:5432")
REDIS = os.environ.get("BENCH_REDIS", "redis://127.0.0.1:6379/15")
BROKER = os.environ.get("BENCH_BROKER", "amqp://guest:guest@127.0.0.1:5672//")
SECRET_KEY = "a-key-of-a-benchmark-that-protects-nothing-at-all-0123456789"
TICKS = os.sysconf("SC_CLK_TCK")
QUIET = 0.9  # of the fastest control run: below it somebody else uses the machine
TRIES = 2  # of a round, until it is quiet
GUNICORN = "gunicorn==23.0.0"  # beside FoodFleet's own packages, for the comparison of servers


def stop_on_sigterm():
    """Let SIGTERM end the benchmark as Ctrl-C does: every `finally` ends what it started, once."""

    def stop(*_):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


def end(process, seconds=10):
    """End a process that leads a group: SIGTERM, and SIGKILL for what is left of the group after these seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)


def stop_all(servers):
    """Stop these servers: all at the same time, because each takes a moment."""
    for server in servers:
        with suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGTERM)
    for server in servers:
        end(server.process)


def install_peers():
    """Build the peers' own environment, where it is missing or its pins changed."""
    pins = HERE / "requirements.txt"
    installed = FOLDER / "venv" / "requirements.txt"
    if installed.is_file() and installed.read_text() == pins.read_text():
        return
    uv = Path(sys.executable).parent / "uv"
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, FOLDER / "venv"], check=True)
    env = {**os.environ, "VIRTUAL_ENV": str(FOLDER / "venv")}
    subprocess.run([uv, "pip", "install", "--quiet", "-r", pins], check=True, env=env)
    subprocess.run([uv, "pip", "install", "--quiet", "--target", FOLDER / "gunicorn", GUNICORN], check=True, env=env)
    installed.write_text(pins.read_text())


def new_database(name):
    """Drop the database if it is there, and create it; returns its URL."""
    name = f"bench_{name}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{SERVER}/{name}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment_of(database, **values):
    """Return the environment of a process of FoodFleet or of a peer: nothing else of this process's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept, "SECRET_KEY": SECRET_KEY, "DEBUG": "false", "DATABASE_URL": database, "REDIS_URL": "",
        "PYTHONPATH": f"{ROOT}:{HERE}", "DJANGO_SETTINGS_MODULE": "foodfleet.settings", **values,
    }  # fmt: skip


def run(command, env, timeout=600):
    """Run a command to its end; returns the JSON of its last line, or None."""
    process = subprocess.Popen([*map(str, command)], cwd=ROOT, env=env, stdout=subprocess.PIPE, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=timeout)
    except BaseException:
        end(process)
        raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    lines = output.splitlines()
    return json.loads(lines[-1]) if lines and lines[-1][:1] in b"{[" else None


class Server:
    """A server process with its children; its output goes to var/bench/<name>.log."""

    def __init__(self, name, command, env, port):
        self.url = f"http://127.0.0.1:{port}"
        began = time.monotonic()
        with (FOLDER / f"{name}.log").open("wb") as log:
            self.process = subprocess.Popen(
                [*map(str, command)], cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
            )
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > began + 60:
                self.stop()
                raise SystemExit(f"{name} did not start; see {FOLDER / f'{name}.log'}")
            time.sleep(0.02)
        self.started_in = time.monotonic() - began

    def _answers(self):
        try:
            urllib.request.urlopen(f"{self.url}/health/live/", timeout=2)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def pids(self):
        """Return its processes: a session of their own."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[3]) == self.process.pid:
                found.append(int(stat.parent.name))
        return found

    def cpu_seconds(self):
        """Return the user and system time of all its processes."""
        total = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def memory_of_workers(self):
        """Return the PSS of its processes in MB: the mean of the workers, and the sum of all."""
        sizes = {}
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    sizes[pid] = int(line.split()[1]) / 1024
        workers = [size for pid, size in sizes.items() if pid != self.process.pid] or [*sizes.values()]
        return {"worker_mb": round(max(workers), 1), "all_mb": round(sum(sizes.values()), 1)}

    def stop(self):
        end(self.process)


def spin(seconds=0.15):
    """Count how often a loop runs in that time."""
    until, count = time.perf_counter() + seconds, 0
    while time.perf_counter() < until:
        count += sum(range(200))
    return count


def _leave_signals_to_the_benchmark():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # it ends this process so
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Control:
    """A control run: all cores count for a moment. Where they count less than before, somebody else was working."""

    def __init__(self):
        self._pool = multiprocessing.get_context("fork").Pool(os.cpu_count(), _leave_signals_to_the_benchmark)
        self.best = max(self._count() for _ in range(8))
        self.rejected = 0

    def _count(self):
        return sum(self._pool.map(spin, [0.15] * os.cpu_count(), chunksize=1))

    def share(self):
        """Return this moment's count as a share of the best."""
        count = self._count()
        self.best = max(self.best, count)
        return count / self.best

    def quiet(self, measure):
        """Measure until the machine is quiet before and after; the result and whether it was."""
        for attempt in range(TRIES):
            before = self.share()
            result = measure()
            share = min(before, self.share())
            if share >= QUIET:
                break
            self.rejected += attempt < TRIES - 1
        return {**result, "control": round(share, 3)}


def median_of(rounds):
    """Return the medians of each number; rounds on a busy machine count only where there is no other."""
    quiet = [values for values in rounds if values["control"] >= QUIET] or rounds
    names = [name for name, value in rounds[0].items() if isinstance(value, (int, float))]
    medians = {name: statistics.median(values[name] for values in quiet) for name in names}
    return {**medians, "quiet_rounds": sum(values["control"] >= QUIET for values in rounds)}


def database_parts(url):
    """Return Django's DATABASES entry for a peer."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        options = {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
            "transaction_mode": "IMMEDIATE",
        }
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path, "OPTIONS": options, "CONN_MAX_AGE": None}
    return {
        "ENGINE": "django.db.backends.postgresql", "NAME": parts.path.lstrip("/"), "USER": parts.username,
        "PASSWORD": parts.password or "", "HOST": parts.hostname, "PORT": parts.port or 5432, "CONN_MAX_AGE": None,
    }  # fmt: skip
