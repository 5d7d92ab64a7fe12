"""Workers killed while they send lose no message. benchmarks/killed_workers.py does it more often."""

import random
import signal
import sys
import time

import psycopg
import pytest
import requests

from foodfleet.tests import environment, processes

MESSAGES = 150
SENDERS = 5
FILL = f"""
from notifications.services.compose.email import send_email
for number in range({MESSAGES}):
    send_email(to=[f"m{{number}}@example.com"], subject="Hello", text="Hello")
"""


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.broker
def test_killed_workers_lose_no_mail_and_repeat_only_those_in_flight(broker_url, postgres_url, start):
    port = processes.free_port()
    address = f"http://127.0.0.1:{port}"
    values = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "DATABASE_URL": postgres_url,
        "REDIS_URL": environment.REDIS_URL,
        "CELERY_BROKER_URL": broker_url,
        "EMAIL_URL": "amazonses://",
        "AWS_ENDPOINT_URL": address,
        "EMAIL_MAX_PER_SECOND": "1000",
        "DELIVERY_LEASE_SECONDS": "2",
        "DELIVERY_SENDERS": str(SENDERS),
    }
    start("amazon", [sys.executable, "benchmarks/fake_amazon.py", "--port", str(port), "--latency", "0.2"])
    report = lambda: requests.get(f"{address}/report", timeout=5).json()  # noqa: E731
    processes.wait_until(report, what="Amazon's start")
    processes.manage("shell", "-v", "0", "-c", FILL, **values)
    in_flight = 0
    for kill in range(2):
        key = f"KEY{kill}"
        worker = start(f"worker{kill}", processes.worker_command(), **{**values, "AWS_ACCESS_KEY_ID": key})
        before = report()["recipients"]
        processes.wait_until(lambda was=before: report()["recipients"] > was, what="the first mail of a worker")
        time.sleep(random.uniform(0, 0.4))
        worker.stop(signal.SIGKILL)
        time.sleep(0.3)  # what is on its way to Amazon arrives; nobody takes the mails before their lease ends
        report_of_key = requests.get(f"{address}/by/{key}", timeout=5).json()
        in_flight += len(report_of_key["unanswered"]) + uncommitted(postgres_url, report_of_key["answered"])
    assert report()["recipients"] < MESSAGES
    start("beat", processes.beat_command(), **values)
    start("last", processes.worker_command(), **values)

    def states():
        with psycopg.connect(postgres_url) as connection:
            return dict(
                connection.execute("SELECT status, count(*) FROM notifications_message GROUP BY status").fetchall()
            )

    processes.wait_until(lambda: states() == {"sent": MESSAGES}, seconds=60, what="the last mail")
    report_of_key = report()
    assert report_of_key["recipients"] == MESSAGES
    assert sum(count - 1 for count in report_of_key["twice"].values()) <= in_flight <= 2 * SENDERS


def uncommitted(postgres_url, answered):
    """How many of these mails were sent without their outcome being committed."""
    with psycopg.connect(postgres_url) as connection:
        query = "SELECT count(*) FROM notifications_message WHERE status = 'sending' AND \"to\"->>0 = ANY (%s)"
        return connection.execute(query, [answered]).fetchone()[0]
