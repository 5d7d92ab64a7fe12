"""Does the time of an answer tell whether an address has an account? Measured from the outside, over HTTP.

    python benchmarks/equal_time.py [--database postgres://...] [--redis redis://...] [--rounds 12] [--requests 200]

Starts the production server on an empty database (--database is migrated and filled: name one that may be) without a
broker, beside a mail server that takes 50 ms for each mail, and sends requests for addresses with and without an
account in turn. Prints medians in milliseconds, and how often the answer for an account was the slower one of a pair:
0.50 tells nothing.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "Wrong-Guess-2026!"
MAIL_TAKES = 0.05  # seconds
FILL = """
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from accounts.models import User
kept = make_password("Grill-Fleet-2026!")
for kind, confirmed in (("known", timezone.now()), ("waiting", None)):
    User.objects.bulk_create(
        User(email=f"{kind}{n}@example.com", password=kept, email_verified_at=confirmed) for n in range(COUNT)
    )
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def take_mail(reader, writer):
    """Just enough SMTP."""
    writer.write(b"220 here\r\n")
    while line := (await reader.readline()).strip().upper():
        if line == b"DATA":
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
            await asyncio.sleep(MAIL_TAKES)
        writer.write(b"221 bye\r\n" if line == b"QUIT" else b"250 ok\r\n")
    writer.close()


def serve_mail(port):
    async def serve():
        server = await asyncio.start_server(take_mail, "127.0.0.1", port)
        await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()


class Endpoints:
    """Requests for the n-th address with an account, or for one without; each answers its milliseconds."""

    CALLS = {
        "login": ("/api/v1/auth/login/", "known", {"password": PASSWORD}),
        "forgot": ("/api/v1/auth/password/forgot/", "known", {}),
        "register": ("/api/v1/auth/register/", "known", {"password": PASSWORD}),
        "resend": ("/api/v1/auth/email/resend/", "waiting", {}),
    }

    def __init__(self, port, pause):
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self.pause = pause

    def send(self, endpoint, number, *, has_account):
        path, kind, more = self.CALLS[endpoint]
        email = f"{kind if has_account else 'nobody-' + endpoint}{number}@example.com"
        began = time.perf_counter()
        self.connection.request(
            "POST", path, json.dumps({"email": email, **more}), {"Content-Type": "application/json"}
        )
        answer = self.connection.getresponse()
        answer.read()
        took = (time.perf_counter() - began) * 1000
        if answer.status not in {202, 401}:
            raise SystemExit(f"{endpoint}: {answer.status}")
        time.sleep(self.pause)  # what goes on behind an answer is over before the next request
        return took


def median_ratio(with_account, without):
    """How often, of all pairs, the one with an account took longer."""
    pairs = [(a > b) + (a == b) / 2 for a in with_account for b in without]
    return sum(pairs) / len(pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", default="")
    parser.add_argument("--redis", default="")
    parser.add_argument("--rounds", default="12")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between requests")
    parser.add_argument("--endpoints", nargs="*", default=list(Endpoints.CALLS))
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="equal-time-")
    port, mail_port = free_port(), free_port()
    serve_mail(mail_port)
    env = {
        **os.environ, "SECRET_KEY": "a-key-of-a-benchmark-that-protects-nothing-at-all-0123456789", "DEBUG": "false",
        "DATABASE_URL": arguments.database or f"sqlite:///{folder}/db.sqlite3", "REDIS_URL": arguments.redis,
        "CELERY_BROKER_URL": "", "EMAIL_URL": f"smtp://127.0.0.1:{mail_port}", "BCRYPT_ROUNDS": arguments.rounds,
        "LOG_LEVEL": "ERROR", "PYTHONPATH": str(ROOT), "THROTTLE_USER": "off",
        **{f"THROTTLE_{scope}": "1000000/min" for scope in ("LOGIN", "REGISTER", "FORGOT")},
    }  # fmt: skip
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    fill = FILL.replace("COUNT", str(arguments.requests))
    subprocess.run([sys.executable, "manage.py", "shell", "-v0", "-c", fill], cwd=ROOT, env=env, check=True)
    server = subprocess.Popen(
        [sys.executable, "-m", "foodfleet.serve", "--port", str(port), "--workers", "1"],
        cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        time.sleep(6)
        endpoints = Endpoints(port, arguments.pause)
        endpoints.send("login", 0, has_account=False)  # the first one imports
        print(f"{arguments.requests} requests each, bcrypt {arguments.rounds} rounds; median, 90 % within (ms)")
        for endpoint in arguments.endpoints:
            took = {True: [], False: []}
            for number in range(arguments.requests):
                for has_account in (True, False) if number % 2 else (False, True):
                    took[has_account].append(endpoints.send(endpoint, number, has_account=has_account))
            cells = [
                f"{word} {statistics.median(took[has]):7.1f} {statistics.quantiles(took[has], n=10)[8]:7.1f}"
                for has, word in ((True, "account"), (False, "none"))
            ]
            ratio = median_ratio(took[True], took[False])
            print(f"{endpoint:9} {cells[0]}   {cells[1]}   slower with an account: {ratio:.2f}")
    finally:
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    main()
