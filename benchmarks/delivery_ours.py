"""What benchmarks/delivery.py has FoodFleet do, each in a process of its own."""

import json
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foodfleet.settings")

import django

django.setup()

from botocore.exceptions import ClientError
from django.db import transaction
from django.utils import timezone

from notifications.gateways import amazon
from notifications.gateways.email import Email, to_django
from notifications.models import Message
from notifications.services.compose.email import queue_templated_email
from notifications.services.compose.policies import Policy
from notifications.services.compose.writing import MessageDraft
from notifications.services.delivery import sweep as delivery_sweep
from notifications.services.delivery.dispatcher import Dispatcher
from notifications.services.delivery.priority_queue import Limits
from notifications.services.templates import rendering
from notifications.states import Channel, Kind, Priority, Status

LINK = "https://accounts.example.com/account/{}/"


def order(name, priority):
    queue_templated_email(
        to=[f"{name}@example.com"],
        template="welcome",
        context={"first_name": "Ann", "link": LINK.format(name)},
        draft=MessageDraft(policy=Policy(priority=priority, kind=Kind.SECURITY)),
    )


def content():
    """The mail as the peers get it: flat, its style inline, with two variables."""
    rendered = rendering.render_email("welcome", {"first_name": "QQNAMEQQ", "link": "https://QQLINKQQ/"}, "en")
    parts = {"subject": rendered.subject, "text": rendered.text, "html": rendered.html}
    placeholders = {"QQNAMEQQ": "{{ first_name }}", "https://QQLINKQQ/": "{{ link }}"}
    for placeholder, variable in placeholders.items():
        parts = {name: part.replace(placeholder, variable) for name, part in parts.items()}
    print(json.dumps(parts))


def enqueue(prefix, count):
    """One transaction a mail, as requests do it; prints mails a second, and milliseconds of CPU a mail."""
    for number in range(10):
        order(f"{prefix}-warm{number}", Priority.TRANSACTIONAL)
    began, worked = time.perf_counter(), time.process_time()
    for number in range(int(count)):
        order(f"{prefix}{number}", Priority.TRANSACTIONAL)
    print(int(count) / (time.perf_counter() - began), (time.process_time() - worked) / int(count) * 1000)


def fill(prefix, count):
    """Bulk, 500 to a transaction."""
    for start in range(0, int(count), 500):
        with transaction.atomic():
            for number in range(start, min(start + 500, int(count))):
                order(f"{prefix}{number}", Priority.BULK)


def codes(prefix, count, pause):
    """Mails that go first, one now and then; prints when each was asked for."""
    order(f"{prefix}-warm", Priority.CODE)
    asked = {}
    for number in range(int(count)):
        time.sleep(float(pause))
        asked[f"{prefix}{number}@example.com"] = time.time()
        order(f"{prefix}{number}", Priority.CODE)
    print(json.dumps(asked))


def dispatch(senders):
    """Send until nothing is left, what has to be tried again included; prints the seconds of CPU.

    Starts at the first line of input.
    """
    list(Message.objects.filter(status=Status.QUEUED)[:1])
    print("ready", flush=True)
    sys.stdin.readline()
    worked = time.process_time()
    while True:
        Dispatcher(Limits(Channel.EMAIL, senders=int(senders))).run()
        if not Message.objects.filter(status__in=[Status.QUEUED, Status.SENDING]).exists():
            break
        delivery_sweep.sweep(timezone.now())
        time.sleep(0.05)
    print(time.process_time() - worked)


def bare(senders, count):
    """What boto3 alone reaches: threads that send the same mail; prints mails a second, and ms of CPU a mail."""
    content = rendering.render_email("welcome", {"first_name": "Ann", "link": LINK.format("bare")}, "en")
    email = Email(to=("to@example.com",), subject=content.subject, text=content.text, html=content.html)
    mail = to_django(email).message().as_bytes()
    client, each = amazon.client("ses"), int(count) // int(senders)

    def send():
        for _ in range(each):
            with suppress(ClientError):
                client.send_raw_email(
                    Source="from@example.com", Destinations=["to@example.com"], RawMessage={"Data": mail}
                )

    threads = [threading.Thread(target=send) for _ in range(int(senders))]
    began, worked = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = each * int(senders)
    print(sent / (time.perf_counter() - began), (time.process_time() - worked) / sent * 1000)


def forget():
    """Leave nothing to be sent."""
    Message.objects.all().delete()


globals()[sys.argv[1]](*sys.argv[2:])
