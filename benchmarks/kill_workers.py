"""Kill workers at random while they send, and count what was lost and what went out twice.

    python benchmarks/kill_workers.py --messages 10000 --kills 100

Needs PostgreSQL (--database, emptied!), Redis (--redis, its database is emptied) and a broker (--broker). Starts a
small Amazon, Celery workers for e-mails and for SMS, and beat; kills one whole worker with SIGKILL, its children with
it, at random moments, and starts another. Halfway it also empties Redis and drops every connection of PostgreSQL.
Half of the messages are written before, half meanwhile: e-mails, every fifth with a file, SMS that may be sent
twice, and codes by SMS that may not.

What may go out twice is counted at each kill: requests that Amazon had not answered, and those that it had answered and
whose outcome was not committed. It fails where anything was lost, more was sent twice than that, a code was sent
twice, or more codes than one a kill were given up that never reached Amazon.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

ROOT = Path(__file__).resolve().parent.parent
SECRET_KEY = "a-key-of-a-benchmark-that-protects-nothing-at-all-0123456789"
LEASE = 4
SENDERS = 5
BATCH = 50
WRITE = """
import time
from django.db import OperationalError, connection, transaction
from notifications.models import Message
from notifications.services.compose.email import EmailExtras, NewAttachment, send_email
from notifications.services.compose.policies import SMS_CODE, Policy
from notifications.services.compose.sms import send_sms
from notifications.services.compose.writing import MessageDraft
def write(start):
    with transaction.atomic():
        for number in range(start, min(start + {batch}, {last})):
            if number % 2 == 0:
                draft = MessageDraft(policy=SMS_CODE if number % 4 == 0 else Policy())
                send_sms(to=f"+491511{{number:07}}", text="Hello", draft=draft)
                continue
            files = [NewAttachment("menu.txt", b"Burgers")] if number % 10 == 1 else []
            extras = EmailExtras(attachments=files)
            to = [f"m{{number}}@example.com"]
            send_email(to=to, subject="Hello", text="Hello", html="<p>Hello</p>", extras=extras)
for start in range({first}, {last}, {batch}):
    try:
        write(start)
    except OperationalError:  # PostgreSQL dropped us: what was not committed is written again
        connection.close()
        if not Message.objects.filter(to=[f"+491511{{start:07}}"]).exists():
            write(start)
    time.sleep({pause})
"""
UNCOMMITTED = "SELECT count(*) FROM notifications_message WHERE status = 'sending' AND \"to\"->>0 = ANY (%s)"
CODES = "SELECT \"to\"->>0 FROM notifications_message WHERE guarantee = 'at_most_once'"
GIVEN_UP = f"{CODES} AND status = 'failed' AND is_uncertain"
LEFT = "SELECT count(*) FROM notifications_message WHERE status NOT IN ('sent', 'failed')"


class Bench:
    """One run: its processes and what it counts."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.amazon = f"http://127.0.0.1:{arguments.port}"
        self.env = {
            **os.environ, "SECRET_KEY": SECRET_KEY, "DEBUG": "false", "LOG_LEVEL": "ERROR", "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "y", "DATABASE_URL": arguments.database, "REDIS_URL": arguments.redis,
            "CELERY_BROKER_URL": arguments.broker, "EMAIL_URL": "amazonses://", "EMAIL_MAX_PER_SECOND": "100000",
            "SMS_URL": "sns://", "SMS_MAX_PER_SECOND": "100000", "SMS_LIMIT_NUMBER": "off", "SMS_LIMIT_COUNTRY": "off",
            "SMS_LIMIT_ALL": "off", "AWS_ENDPOINT_URL": self.amazon, "DELIVERY_LEASE_SECONDS": str(LEASE),
            "DELIVERY_SENDERS": str(SENDERS),
        }  # fmt: skip
        self.processes = []
        self.kills = self.unanswered = self.uncommitted = self.most_at_once = 0

    def start(self, *command, **env):
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env={**self.env, **env}, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def worker(self, queues):
        """Start one; returns it and the key that Amazon knows it by."""
        key = f"KILL{random.randrange(10**9)}"
        command = [
            "-m",
            "celery",
            "-A",
            "foodfleet",
            "worker",
            "--concurrency",
            "1",
            "--hostname",
            f"{key}@%h",
            *queues,
        ]
        return self.start(*command, AWS_ACCESS_KEY_ID=key), key, queues

    def write(self, first, last, pause=0.0):
        script = WRITE.format(first=first, last=last, batch=BATCH, pause=pause)
        return self.start("manage.py", "shell", "-v", "0", "-c", script)

    def fetch(self, path):
        return json.load(urllib.request.urlopen(f"{self.amazon}{path}"))

    def rows(self, query, *parameters):
        with psycopg.connect(self.arguments.database, autocommit=True) as connection:
            return connection.execute(query, parameters).fetchall()

    def states(self):
        return dict(self.rows("SELECT status, count(*) FROM notifications_message GROUP BY status"))

    def prepare(self):
        parts = urlsplit(self.arguments.database)
        name = parts.path.lstrip("/")
        with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}"')
        redis.Redis.from_url(self.arguments.redis).flushdb()
        self.start("benchmarks/fake_amazon.py", "--port", str(self.arguments.port), "--latency", self.arguments.latency)
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=self.env, check=True)
        if self.write(0, self.arguments.messages // 2).wait():
            sys.exit("The messages could not be written.")
        schedule = f"/tmp/foodfleet-kill-{os.getpid()}"
        self.start("-m", "celery", "-A", "foodfleet", "beat", "--schedule", schedule)

    def kill(self, worker):
        """Kill a worker; count what it had in flight; start another in its place."""
        process, key, queues = worker
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.processes.remove(process)
        time.sleep(0.3)  # what is on its way to Amazon arrives; nobody takes the messages before their lease ends
        state = self.fetch(f"/by/{key}")
        unanswered = len(state["unanswered"])
        [(uncommitted,)] = self.rows(UNCOMMITTED, [*set(state["answered"]) - set(state["unanswered"])])
        self.kills += 1
        self.unanswered += unanswered
        self.uncommitted += uncommitted
        self.most_at_once = max(self.most_at_once, unanswered + uncommitted)
        return self.worker(queues)

    def disturb(self):
        """What else may happen: Redis is emptied, PostgreSQL drops everybody."""
        redis.Redis.from_url(self.arguments.redis).flushdb()
        self.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def run(self):
        email, sms = ["--exclude-queues", "sms"], ["--queues", "sms"]
        workers = [self.worker(queues) for queues in (email, email, sms, sms)]
        half = self.arguments.messages // 2
        writer = self.write(half, self.arguments.messages, pause=self.arguments.seconds_to_write * BATCH / half)
        began = time.monotonic()
        while time.monotonic() - began < self.arguments.seconds:
            time.sleep(random.uniform(*self.arguments.pause))
            if writer.poll() is not None and self.rows(LEFT) == [(0,)]:
                break
            if self.kills < self.arguments.kills:
                position = random.randrange(len(workers))
                workers[position] = self.kill(workers[position])
                if self.kills == self.arguments.kills // 2:
                    self.disturb()
        return time.monotonic() - began

    def report(self, seconds):
        """Print what was found; whether all of it is as it has to be."""
        taken = self.fetch("/report")
        twice = sum(count - 1 for count in taken["twice"].values())
        given_up = {number for (number,) in self.rows(GIVEN_UP)}
        codes = {number for (number,) in self.rows(CODES)}
        reached = set(taken["first_taken"])
        never_reached = given_up - reached
        [(written,)] = self.rows("SELECT count(*) FROM notifications_message")
        lost = written - len(reached | given_up)
        codes_twice = codes & taken["twice"].keys()
        in_flight = self.unanswered + self.uncommitted
        print(f"{written} messages, {self.kills} kills, {seconds:.0f} s: lost {lost}, sent twice {twice}")
        print(
            f"in flight at the kills: {in_flight}, of which {self.unanswered} were not answered and {self.uncommitted} "
            f"not committed; at most {self.most_at_once} at one kill"
        )
        print(
            f"codes by SMS: {len(codes)}, sent twice {len(codes_twice)}, given up because they may have been sent "
            f"{len(given_up)}, of which {len(never_reached)} never reached Amazon"
        )
        print(f"states: {self.states()}; Amazon refused {taken['refused']} (tried again)")
        is_whole = written == self.arguments.messages and lost == 0
        return is_whole and twice <= in_flight and not codes_twice and len(never_reached) <= self.kills


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=900, help="give up after")
    parser.add_argument("--seconds-to-write", type=float, default=120, help="in which the second half is written")
    parser.add_argument("--pause", type=float, nargs=2, default=(1.0, 3.5), help="seconds between kills, from and to")
    parser.add_argument("--latency", default="0.1", help="seconds that an answer of Amazon takes")
    parser.add_argument("--port", type=int, default=4998)
    parser.add_argument("--database", default="postgres://postgres@127.0.0.1:5432/foodfleet_kill")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/15")
    parser.add_argument("--broker", default="amqp://guest:guest@127.0.0.1:5672//")
    bench = Bench(parser.parse_args())
    try:
        bench.prepare()
        is_right = bench.report(bench.run())
    finally:
        for process in bench.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    sys.exit(0 if is_right else 1)


if __name__ == "__main__":
    main()
