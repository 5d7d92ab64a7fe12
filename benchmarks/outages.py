"""Take each server away while messages are written and sent, and count what was lost and what went out twice.

    python benchmarks/outages.py

Starts a PostgreSQL, a Redis and a RabbitMQ of its own (Debian's packages) on ports of its own, a small Amazon, two
Celery workers, beat, and a process that writes messages, a transaction each. Meanwhile the broker is stopped for a
minute, PostgreSQL is restarted, then killed and recovers, Redis is emptied, then killed and comes back empty. Lost is a
message whose transaction was committed and that Amazon never got.
"""

import argparse
import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psycopg
import redis
from kill_workers import ROOT, SECRET_KEY, kill, start, states, worker

WRITE = """
import time
from django.db import DatabaseError, connection, transaction
from notifications.services.compose.email import send_email
slowest, refused = 0, 0
with open({path!r}, "w", buffering=1) as committed:
    for number in range({messages}):
        began = time.monotonic()
        try:
            with transaction.atomic():
                send_email(to=[f"m{{number}}@example.com"], subject="Hello", text="Hello", html="<p>Hello</p>")
            committed.write(f"m{{number}}@example.com\\n")
        except DatabaseError:
            refused += 1
            connection.close()
        took = time.monotonic() - began
        slowest = max(slowest, took)
        time.sleep(max(0, {pause} - took))
    committed.write(f"# {{refused}} {{slowest:.2f}}\\n")
"""


def as_user(name, command):
    """PostgreSQL and RabbitMQ do not run as root."""
    return ["runuser", "-u", name, "--", *command] if os.geteuid() == 0 else command


def owned_by(folder, name):
    folder.mkdir()
    if os.geteuid() == 0:
        entry = pwd.getpwnam(name)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    return folder


class Postgres:
    """A cluster of its own."""

    def __init__(self, folder, port):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self.bin = found[-1] if found else Path(shutil.which("initdb") or "initdb").parent
        self.data = owned_by(folder / "postgres", "postgres") / "data"
        self.options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder / 'postgres'}"
        self.url = f"postgres://postgres@127.0.0.1:{port}/postgres"
        self._run("initdb", "-U", "postgres", "-A", "trust", "-D", self.data)
        self._control("start")

    def _run(self, program, *arguments):
        command = as_user("postgres", [str(self.bin / program), *map(str, arguments)])
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL)

    def _control(self, *arguments):
        log = self.data.parent / "log"
        self._run("pg_ctl", "-w", "-D", self.data, "-l", log, "-o", self.options, *arguments)

    def restart(self, how):
        """how: fast, or immediate, which is a crash that it recovers from."""
        self._control("restart", "-m", how)

    def stop(self):
        self._control("stop", "-m", "fast")


class Rabbit:
    """A node of its own."""

    def __init__(self, folder, port):
        home = owned_by(folder / "rabbit", "rabbitmq")
        (home / "plugins").write_text("[].")
        self.env = {
            **os.environ, "HOME": str(home), "RABBITMQ_NODENAME": f"foodfleet{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": str(port), "RABBITMQ_MNESIA_BASE": str(home),
            "RABBITMQ_DIST_PORT": str(port + 1), "RABBITMQ_LOG_BASE": str(home),
            "RABBITMQ_CONFIG_FILE": str(home / "none"), "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_PID_FILE": str(home / "pid"),
        }  # fmt: skip
        self.bin = next(Path("/usr/lib/rabbitmq").glob("lib/*/sbin"), Path("/usr/sbin"))
        self.url = f"amqp://guest:guest@127.0.0.1:{port}//"
        self.start()

    def _command(self, program, *arguments):
        return as_user("rabbitmq", [str(self.bin / program), *arguments])

    def start(self):
        self.process = subprocess.Popen(
            self._command("rabbitmq-server"), env=self.env, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait = self._command("rabbitmqctl", "await_startup", "--timeout", "60")
        for _ in range(20):
            if subprocess.run(wait, env=self.env, capture_output=True, check=False).returncode == 0:
                return
            time.sleep(1)
        raise SystemExit("RabbitMQ does not start")

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


class Redis:
    """A server that keeps nothing on disk."""

    def __init__(self, port):
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"
        self.start()

    def start(self):
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)

    def empty(self):
        redis.Redis(port=self.port).flushall()

    def stop(self):
        self.process.kill()
        self.process.wait()


def outages(arguments, postgres, rabbit, cache):
    """(seconds after the start, what happens, how)"""
    minute = arguments.minute
    return [
        (5, f"broker stopped for {minute:.0f} s", rabbit.stop),
        (5 + minute, "broker back", rabbit.start),
        (15 + minute, "PostgreSQL restarted", lambda: postgres.restart("fast")),
        (22 + minute, "PostgreSQL crashed and recovered", lambda: postgres.restart("immediate")),
        (29 + minute, "Redis emptied", cache.empty),
        (33 + minute, "Redis killed", cache.stop),
        (38 + minute, "Redis back, empty", cache.start),
    ]


def run(arguments, servers, path, writer):
    began = time.monotonic()
    for at, what, act in outages(arguments, *servers):
        time.sleep(max(0, began + at - time.monotonic()))
        print(f"{time.monotonic() - began:5.0f} s: {what}", flush=True)
        act()
    writer.wait()
    *committed, summary = path.read_text().splitlines()
    while time.monotonic() - began < arguments.seconds:
        with contextlib.suppress(psycopg.OperationalError):
            if set(states(servers[0].url)) <= {"sent"}:
                break
        time.sleep(1)
    return committed, summary.split()[1:], time.monotonic() - began


def end(processes):
    for process in processes:
        if process.poll() is None:
            kill(process)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10000)
    parser.add_argument("--a-second", type=float, default=90, help="messages written")
    parser.add_argument("--minute", type=float, default=60, help="seconds without a broker")
    parser.add_argument("--seconds", type=float, default=600, help="give up after")
    parser.add_argument("--port", type=int, default=4950, help="the first of seven")
    arguments = parser.parse_args()
    port = arguments.port
    running = []
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as ending:
        folder = Path(temporary)
        folder.chmod(0o755)
        postgres = Postgres(folder, port)
        ending.callback(postgres.stop)
        rabbit = Rabbit(folder, port + 1)
        ending.callback(rabbit.stop)
        cache = Redis(port + 3)
        ending.callback(cache.stop)
        ending.callback(end, running)
        env = {
            **os.environ, "SECRET_KEY": SECRET_KEY, "DEBUG": "false", "LOG_LEVEL": "ERROR", "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "y", "DATABASE_URL": postgres.url, "REDIS_URL": cache.url,
            "CELERY_BROKER_URL": rabbit.url, "EMAIL_URL": "amazonses://", "EMAIL_MAX_PER_SECOND": "100000",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port + 4}", "DELIVERY_LEASE_SECONDS": "10",
        }  # fmt: skip
        amazon = [sys.executable, "benchmarks/fake_amazon.py", "--port", str(port + 4), "--latency", "0.05"]
        running.append(start(amazon, env))
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=env, check=True)
        beat = [sys.executable, "-m", "celery", "-A", "foodfleet", "beat", "--schedule", str(folder / "beat")]
        running += [start(beat, env), worker(env), worker(env)]
        path = folder / "committed"
        code = WRITE.format(path=str(path), messages=arguments.messages, pause=1 / arguments.a_second)
        writer = start([sys.executable, "manage.py", "shell", "-v", "0", "-c", code], env)
        running.append(writer)
        committed, (refused, slowest), seconds = run(arguments, (postgres, rabbit, cache), path, writer)
        report = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port + 4}/report"))
        lost = [address for address in committed if address not in report["first_taken"]]
        twice = sum(count - 1 for count in report["twice"].values())
        print(f"{len(committed)} messages committed, {refused} refused while PostgreSQL was away, {seconds:.0f} s")
        print(
            f"lost {len(lost)}, sent twice {twice}; the slowest write took {slowest} s; states {states(postgres.url)}"
        )
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
