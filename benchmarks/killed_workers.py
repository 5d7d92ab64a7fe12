"""Kill workers at random while they send, and count what was lost and what went out twice.

Starts a small Amazon, Celery workers for e-mails and for SMS, and beat; kills one whole worker with SIGKILL, its
children with it, at random moments, and starts another. Halfway it also empties Redis and drops every connection of
PostgreSQL. Half of the messages are written before, half meanwhile: e-mails, every fifth with a file, SMS that may be
sent twice, and codes by SMS that may not.

What may go out twice is counted at each kill: requests that Amazon had not answered, and those that it had answered and
whose outcome was not committed. It fails where anything was lost, more was sent twice than that, a code was sent
twice, or more codes than one a kill were given up that never reached Amazon.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request

import psycopg
import redis
from processes import BROKER, FOLDER, REDIS, ROOT, environment_of, free_port, new_database

LATENCY = "0.3"  # seconds that an answer of Amazon takes
PAUSE = (2.0, 4.0)  # seconds between kills, from and to
GIVE_UP_AFTER = 400  # seconds
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

    def __init__(self, messages, most_kills):
        self.messages, self.most_kills, self.port = messages, most_kills, free_port()
        self.amazon, self.database = f"http://127.0.0.1:{self.port}", new_database("killed")
        self.env = environment_of(
            self.database, LOG_LEVEL="ERROR", REDIS_URL=REDIS, CELERY_BROKER_URL=BROKER, AWS_ENDPOINT_URL=self.amazon,
            AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="y", EMAIL_URL="amazonses://", EMAIL_MAX_PER_SECOND="100000",
            SMS_URL="sns://", SMS_MAX_PER_SECOND="100000", SMS_LIMIT_NUMBER="off", SMS_LIMIT_COUNTRY="off",
            SMS_LIMIT_ALL="off", DELIVERY_LEASE_SECONDS=str(LEASE), DELIVERY_SENDERS=str(SENDERS),
        )  # fmt: skip
        self.processes = []
        self.kills = self.unanswered = self.uncommitted = 0

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
        command = ["-m", "celery", "-A", "foodfleet", "worker", "--concurrency", "1", "--hostname", f"{key}@%h"]
        return self.start(*command, *queues, AWS_ACCESS_KEY_ID=key), key, queues

    def write(self, first, last, pause=0.0):
        script = WRITE.format(first=first, last=last, batch=BATCH, pause=pause)
        return self.start("manage.py", "shell", "-v", "0", "-c", script)

    def fetch(self, path):
        return json.load(urllib.request.urlopen(f"{self.amazon}{path}"))

    def rows(self, query, *parameters):
        with psycopg.connect(self.database, autocommit=True) as connection:
            return connection.execute(query, parameters).fetchall()

    def states(self):
        return dict(self.rows("SELECT status, count(*) FROM notifications_message GROUP BY status"))

    def prepare(self):
        redis.Redis.from_url(REDIS).flushdb()
        self.start("benchmarks/fake_amazon.py", "--port", str(self.port), "--latency", LATENCY)
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=self.env, check=True)
        if self.write(0, self.messages // 2).wait():
            sys.exit("The messages could not be written.")
        self.start("-m", "celery", "-A", "foodfleet", "beat", "--schedule", str(FOLDER / "killed-beat"))

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
        return self.worker(queues)

    def disturb(self):
        """What else may happen: Redis is emptied, PostgreSQL drops everybody."""
        redis.Redis.from_url(REDIS).flushdb()
        self.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def run(self):
        email, sms = ["--exclude-queues", "sms"], ["--queues", "sms"]
        workers = [self.worker(queues) for queues in (email, email, sms, sms)]
        half, seconds = self.messages // 2, self.most_kills * sum(PAUSE) / 2
        writer = self.write(half, self.messages, pause=seconds * BATCH / half)
        began = time.monotonic()
        while time.monotonic() - began < GIVE_UP_AFTER:
            time.sleep(random.uniform(*PAUSE))
            if writer.poll() is not None and self.rows(LEFT) == [(0,)]:
                break
            if self.kills < self.most_kills:
                position = random.randrange(len(workers))
                workers[position] = self.kill(workers[position])
                if self.kills == self.most_kills // 2:
                    self.disturb()

    def numbers(self):
        """What was found; ends the benchmark where it is not as it has to be."""
        taken = self.fetch("/report")
        given_up = {number for (number,) in self.rows(GIVEN_UP)}
        codes = {number for (number,) in self.rows(CODES)}
        reached = set(taken["first_taken"])
        never_reached = given_up - reached
        [(written,)] = self.rows("SELECT count(*) FROM notifications_message")
        found = {
            "messages": written, "kills": self.kills, "lost": written - len(reached | given_up),
            "twice": sum(count - 1 for count in taken["twice"].values()),
            "in_flight": self.unanswered + self.uncommitted,
            "codes": len(codes), "codes_twice": len(codes & taken["twice"].keys()), "given_up": len(given_up),
        }  # fmt: skip
        is_whole = written == self.messages and not found["lost"] and found["twice"] <= found["in_flight"]
        if not is_whole or found["codes_twice"] or len(never_reached) > self.kills:
            sys.exit(f"killed workers: {found}, {len(never_reached)} codes never reached Amazon; {self.states()}")
        return found

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def measure(control, options):
    bench = Bench(messages=200, most_kills=3) if options.quick else Bench(messages=1200, most_kills=12)
    try:
        bench.prepare()
        bench.run()
        return {"kills": {"foodfleet": bench.numbers()}}
    finally:
        bench.end()
