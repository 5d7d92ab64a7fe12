"""Does the time of an answer tell whether an address has an account? Measured from the outside, over HTTP.

Starts the production server without a broker, beside a mail server that takes 50 ms for each mail, and sends requests
for addresses with and without an account in turn. The numbers are medians in milliseconds, and how often the answer
for an account was the slower one of a pair: 0.50 tells nothing.
"""

import asyncio
import json
import statistics
import sys
import threading
import time
from http.client import HTTPConnection

from processes import REDIS, Server, environment_of, free_port, new_database, run

PASSWORD = "Wrong-Guess-2026!"
MAIL_TAKES = 0.05  # seconds
PAUSE = 0.1  # seconds between requests
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

    def __init__(self, port):
        self.connection = HTTPConnection("127.0.0.1", port, timeout=60)

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
        time.sleep(PAUSE)  # what goes on behind an answer is over before the next request
        return took


def share_slower(with_account, without):
    """How often, of all pairs, the one with an account took longer."""
    pairs = [(a > b) + (a == b) / 2 for a in with_account for b in without]
    return sum(pairs) / len(pairs)


def compared(endpoints, endpoint, requests):
    took = {True: [], False: []}
    for number in range(requests):
        for has_account in (True, False) if number % 2 else (False, True):
            took[has_account].append(endpoints.send(endpoint, number, has_account=has_account))
    return {
        "account_ms": statistics.median(took[True]),
        "none_ms": statistics.median(took[False]),
        "slower": share_slower(took[True], took[False]),
    }


def measure(control, options):
    """Return {"equal_time": {endpoint: numbers}}."""
    requests = 5 if options.quick else 40
    port, mail_port = free_port(), free_port()
    serve_mail(mail_port)
    env = environment_of(
        new_database("equal_time"), REDIS_URL=REDIS, EMAIL_URL=f"smtp://127.0.0.1:{mail_port}", LOG_LEVEL="ERROR",
        THROTTLE_USER="off", **{f"THROTTLE_{scope}": "1000000/min" for scope in ("LOGIN", "REGISTER", "FORGOT")},
    )  # fmt: skip
    run([sys.executable, "manage.py", "migrate", "-v0"], env)
    run([sys.executable, "manage.py", "shell", "-v0", "-c", FILL.replace("COUNT", str(requests))], env)
    server = Server("equal_time", [sys.executable, "-m", "foodfleet.serve", "--port", port, "--workers", 1], env, port)
    try:
        endpoints = Endpoints(port)
        endpoints.send("login", 0, has_account=False)  # the first one imports
        return {"equal_time": {endpoint: compared(endpoints, endpoint, requests) for endpoint in Endpoints.CALLS}}
    finally:
        server.stop()
