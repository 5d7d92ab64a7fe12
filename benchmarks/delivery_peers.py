"""What benchmarks/delivery.py has django-post-office and django-mailer do, each in a process of its own.

    python benchmarks/delivery_peers.py post_office|mailer COMMAND ...

Both render the same mail with Django's engine (post-office from its own table of templates) and send it by django-ses,
as they are installed, apart from retries, which post-office does not make by default.
"""

import json
import logging
import os
import resource
import sys
import time
from datetime import timedelta
from urllib.parse import urlsplit

import django
from django.conf import settings

PEER = sys.argv[1]
LINK = "https://accounts.example.com/account/{}/"


def after_error(connection, message, error):
    """django-mailer stops at an error that it does not know, and it knows those of SMTP."""
    message.defer()
    return connection, "deferred"


url = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    SECRET_KEY="x",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DEFAULT_FROM_EMAIL="FoodFleet <hello@example.com>",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql", "NAME": url.path.lstrip("/"), "USER": url.username,
            "PASSWORD": url.password or "", "HOST": url.hostname, "PORT": url.port or 5432,
        }
    },
    INSTALLED_APPS=["django.contrib.contenttypes", "post_office", "mailer"],
    TEMPLATES=[
        {"BACKEND": "django.template.backends.django.DjangoTemplates"},
        {"BACKEND": "post_office.template.backends.post_office.PostOfficeTemplates", "NAME": "post_office"},
    ],
    EMAIL_BACKEND="mailer.backend.DbBackend",
    MAILER_EMAIL_BACKEND="django_ses.SESBackend",
    MAILER_USE_FILE_LOCK=False,  # a killed one would leave it behind
    MAILER_ERROR_HANDLER="__main__.after_error",
    POST_OFFICE={
        "BACKENDS": {"default": "django_ses.SESBackend"},
        "BATCH_SIZE": int(os.environ.get("BATCH_SIZE", "100")),
        "THREADS_PER_PROCESS": int(os.environ.get("THREADS", "5")),
        "MAX_RETRIES": 10,
        "RETRY_INTERVAL": timedelta(seconds=2),
    },
    AWS_SES_REGION_NAME="eu-central-1",
    AWS_SES_REGION_ENDPOINT_URL=os.environ["AWS_ENDPOINT_URL"],
    AWS_SES_AUTO_THROTTLE=None,
    LOGGING_CONFIG=None,
)  # fmt: skip
django.setup()
logging.disable(logging.CRITICAL)

from django.core.management import call_command
from django.db import connection, transaction
from django.template import Context, Template
from mailer import engine, models, send_html_mail
from post_office import mail
from post_office.models import STATUS, Email, EmailTemplate


def prepare(content):
    """The mail's template, and the tables."""
    call_command("migrate", verbosity=0)
    parts = json.loads(content)
    EmailTemplate.objects.create(
        name="welcome", subject=parts["subject"], content=parts["text"], html_content=parts["html"]
    )


class Mailer:
    """django-mailer: the caller renders, a row keeps the pickled mail."""

    def __init__(self):
        row = EmailTemplate.objects.get(name="welcome")
        self.templates = [Template(part) for part in (row.subject, row.content, row.html_content)]

    def order(self, name, priority):
        context = Context({"first_name": "Ann", "link": LINK.format(name)})
        subject, text, html = (template.render(context) for template in self.templates)
        send_html_mail(subject, text, html, settings.DEFAULT_FROM_EMAIL, [f"{name}@example.com"], priority=priority)

    def send(self, processes):
        engine.send_all()
        models.Message.objects.retry_deferred()

    def left(self):
        return models.Message.objects.exists()

    def forget(self):
        models.Message.objects.all().delete()


class PostOffice:
    """django-post-office."""

    def order(self, name, priority):
        context = {"first_name": "Ann", "link": LINK.format(name)}
        mail.send([f"{name}@example.com"], template="welcome", context=context, priority=priority)

    def send(self, processes):
        mail.send_queued(processes=processes)
        connection.close()  # its processes share this one, and close it

    def left(self):
        return Email.objects.filter(status__in=[STATUS.queued, STATUS.requeued]).exists()

    def forget(self):
        Email.objects.all().delete()


def enqueue(prefix, count):
    """A transaction a mail, as requests do it; prints mails a second, and milliseconds of CPU a mail."""
    for number in range(10):
        peer.order(f"{prefix}-warm{number}", "medium")
    began, worked = time.perf_counter(), time.process_time()
    for number in range(int(count)):
        peer.order(f"{prefix}{number}", "medium")
    print(int(count) / (time.perf_counter() - began), (time.process_time() - worked) / int(count) * 1000)


def fill(prefix, count):
    for start in range(0, int(count), 500):
        with transaction.atomic():
            for number in range(start, min(start + 500, int(count))):
                peer.order(f"{prefix}{number}", "low")


def codes(prefix, count, pause):
    """Mails that go first, one now and then; prints when each was asked for."""
    peer.order(f"{prefix}-warm", "high")
    asked = {}
    for number in range(int(count)):
        time.sleep(float(pause))
        asked[f"{prefix}{number}@example.com"] = time.time()
        peer.order(f"{prefix}{number}", "high")
    print(json.dumps(asked))


def dispatch(processes):
    """Send until nothing is left, what has to be tried again included; prints the seconds of CPU.

    Starts at the first line of input.
    """
    peer.left()
    print("ready", flush=True)
    sys.stdin.readline()
    began = cpu_seconds()
    while peer.left():
        peer.send(int(processes))
        time.sleep(0.05)
    print(cpu_seconds() - began)


def cpu_seconds():
    """Of this process and of those that it forked."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def forget():
    peer.forget()


if sys.argv[2] != "prepare":
    peer = Mailer() if PEER == "mailer" else PostOffice()
    connection.ensure_connection()
globals()[sys.argv[2]](*sys.argv[3:])
