"""Kill workers at random while they send, and count what was lost and what went out twice.

    python benchmarks/kill_workers.py --messages 10000 --kills 100

Needs PostgreSQL (--database, emptied!), Redis (--redis, its database is emptied) and a broker (--broker). Starts a
small Amazon, two Celery workers and beat; kills one whole worker with SIGKILL, its children with it, at random
moments, and starts another. Halfway it also empties Redis and drops every connection of PostgreSQL.
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
FILL = """
from django.db import transaction
from notifications.services.emails import send_email
for start in range(0, {messages}, 500):
    with transaction.atomic():
        for number in range(start, min(start + 500, {messages})):
            send_email(to=[f"m{{number}}@example.com"], subject="Hello", text="Hello", html="<p>Hello</p>")
"""


def environment(arguments, port):
    return {
        **os.environ, "SECRET_KEY": SECRET_KEY, "DEBUG": "false", "LOG_LEVEL": "ERROR", "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y", "DATABASE_URL": arguments.database, "REDIS_URL": arguments.redis,
        "CELERY_BROKER_URL": arguments.broker, "EMAIL_URL": "amazonses://", "EMAIL_MAX_PER_SECOND": "100000",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "DELIVERY_LEASE_SECONDS": str(LEASE), "DELIVERY_SENDERS": "5",
    }  # fmt: skip


def start(command, env):
    return subprocess.Popen(
        command, cwd=ROOT, env=env, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def worker(env):
    name = f"kill{random.randrange(10**9)}@%h"
    return start(
        [sys.executable, "-m", "celery", "-A", "foodfleet", "worker", "--concurrency", "1", "--hostname", name], env
    )


def kill(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def states(database):
    with psycopg.connect(database, autocommit=True) as connection:
        return dict(connection.execute("SELECT status, count(*) FROM notifications_message GROUP BY status").fetchall())


def prepare(arguments, env):
    parts = urlsplit(arguments.database)
    name = parts.path.lstrip("/")
    with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    redis.Redis.from_url(arguments.redis).flushdb()
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], cwd=ROOT, env=env, check=True)
    fill = FILL.format(messages=arguments.messages)
    subprocess.run([*manage, "shell", "-v", "0", "-c", fill], cwd=ROOT, env=env, check=True)


def disturb(arguments):
    """What else may happen: Redis is emptied, PostgreSQL drops everybody."""
    redis.Redis.from_url(arguments.redis).flushdb()
    with psycopg.connect(arguments.database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def run(arguments, env, processes):
    workers = [worker(env), worker(env)]
    processes += workers
    kills = 0
    began = time.monotonic()
    while time.monotonic() - began < arguments.seconds:
        time.sleep(random.uniform(*arguments.pause))
        done = states(arguments.database).get("sent", 0)
        if done == arguments.messages:
            break
        if kills < arguments.kills:
            position = random.randrange(len(workers))
            kill(workers[position])
            processes.remove(workers[position])
            workers[position] = worker(env)
            processes.append(workers[position])
            kills += 1
            if kills == arguments.kills // 2:
                disturb(arguments)
    return kills, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=900, help="give up after")
    parser.add_argument("--pause", type=float, nargs=2, default=(1.0, 3.5), help="seconds between kills, from and to")
    parser.add_argument("--latency", default="0.1", help="seconds that an answer of Amazon takes")
    parser.add_argument("--port", type=int, default=4998)
    parser.add_argument("--database", default="postgres://postgres@127.0.0.1:5432/foodfleet_kill")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/15")
    parser.add_argument("--broker", default="amqp://guest:guest@127.0.0.1:5672//")
    arguments = parser.parse_args()
    env = environment(arguments, arguments.port)
    amazon = [
        sys.executable,
        "benchmarks/fake_amazon.py",
        "--port",
        str(arguments.port),
        "--latency",
        arguments.latency,
    ]
    processes = [start(amazon, env)]
    try:
        prepare(arguments, env)
        schedule = f"/tmp/foodfleet-kill-{os.getpid()}"
        processes.append(
            start([sys.executable, "-m", "celery", "-A", "foodfleet", "beat", "--schedule", schedule], env)
        )
        kills, seconds = run(arguments, env, processes)
        report = json.load(urllib.request.urlopen(f"http://127.0.0.1:{arguments.port}/report"))
        twice = sum(count - 1 for count in report["twice"].values())
        lost = arguments.messages - report["recipients"]
        print(f"{arguments.messages} messages, {kills} kills, {seconds:.0f} s: lost {lost}, sent twice {twice}")
        print(f"states: {states(arguments.database)}; Amazon refused {report['refused']} (tried again)")
    finally:
        for process in processes:
            kill(process)
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
