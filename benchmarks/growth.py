"""A young and a grown installation on PostgreSQL: which calls, pages and statements of delivery cost more?

A part of `make bench`, and its slowest: it loads a million users. Fills an empty database by SQL with so many users, as
many messages of a year with their timelines, and three times as many security events of two, in partitions by month;
measures; grows it to the second number; and measures the same again, in this process and as a superuser. Prints the
fastest of ROUNDS calls in milliseconds (others may use the machine) and its statements: each to standard error as soon
as it is known, and all as JSON at the end.
"""

import json
import os
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from uuid import uuid4

os.environ.update(ADMIN_REQUIRE_2FA="false", ALLOWED_HOSTS="testserver", EMAIL_URL="memorymail://", LOG_LEVEL="ERROR")
os.environ.update({f"THROTTLE_{scope}": "off" for scope in ("LOGIN", "USER")}, PUBLIC_URL="http://testserver")

import users_at_scale
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import SecurityEvent, User
from accounts.services import statistics as event_statistics
from foodfleet.core.database import partitions
from foodfleet.core.http.lists.pagination import _write_cursor
from notifications.models import Message
from notifications.services.operations import statistics as message_statistics
from notifications.services.operations.retention import BY_MONTH
from notifications.states import Channel

settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # not collected
ROUNDS = 8
MONTHS = {SecurityEvent: 24, **dict.fromkeys(BY_MONTH, 12)}  # before the current one
# What differs between users, beside what users_at_scale.py knows: every fiftieth was invited and has not come.
users_at_scale.DIFFERENT.update(
    email_verified_at="CASE WHEN n %% 50 <> 7 THEN now() END",
    invited_at="CASE WHEN n %% 50 = 7 THEN now() END",
    last_login="CASE WHEN n %% 10 < 6 THEN now() - (n %% 100000) * interval '5 minutes' END",
)
FILL_MESSAGES = """
INSERT INTO notifications_message ({columns})
SELECT {values} FROM notifications_message model, generate_series(%(first)s, %(last)s) n WHERE model.id = %(model)s
"""
DIFFERENT_MESSAGES = {
    "id": "gen_random_uuid()",
    "to": "jsonb_build_array((ARRAY['ann','bob','carla','dinesh','eva'])[n %% 5 + 1] || n || '@fleet.example')",
    "subject": "'Order ' || md5(n::text)",
    "channel": "CASE WHEN n %% 10 = 0 THEN 'sms' ELSE 'email' END",
    "template": "(ARRAY['announcement','password_changed','new_device','order_ready'])[n %% 4 + 1]",
    "status": "CASE WHEN n %% 100 = 1 THEN 'queued' WHEN n %% 200 = 2 THEN 'failed' WHEN n %% 200 = 3 THEN 'bounced' "
    "WHEN n %% 20 = 4 THEN 'sent' ELSE 'delivered' END",
    "priority": "(ARRAY[0, 1, 1, 2])[n / 100 %% 4 + 1]",
    "payload": "CASE WHEN n %% 100 = 1 OR n %% 1000 = 2 THEN model.payload ELSE '' END",
    "provider_message_id": "'provider-' || n",
    "kind": "(ARRAY['security','account','marketing'])[n %% 3 + 1]",
    "request_id": "md5((n / 3)::text)",
    "user_id": "%(user)s + n",
    "created_at": "now() - n * interval '31 seconds'",
    "due_at": "now() - n * interval '31 seconds'",
    "sent_at": "now() - n * interval '31 seconds'",
}
FILL_SEARCH_TEXTS = """
INSERT INTO notifications_searchtext (message_id, message_created_at, text, request_id)
SELECT id, created_at, lower(concat_ws(' ', "to"::text, subject, template)), request_id FROM notifications_message
ON CONFLICT DO NOTHING
"""
FILL_TIMELINES = """
INSERT INTO notifications_messageevent (message_id, message_created_at, type, at, details, source_id)
SELECT id, created_at, type, created_at, '{}', CASE type WHEN 'delivered' THEN id::text ELSE '' END
FROM notifications_message, (VALUES ('sent'), ('delivered')) types(type)
WHERE status = 'delivered' AND NOT EXISTS (
    SELECT 1 FROM notifications_messageevent WHERE message_id = notifications_message.id
)
"""
FILL_EVENTS = """
INSERT INTO accounts_securityevent (kind, user_id, created_at, ip, user_agent, request_id, details)
SELECT (ARRAY['signed_in','signed_in','signed_in','sign_in_failed','signed_out','password_changed'])[n %% 6 + 1],
    CASE WHEN n %% 50 <> 0 THEN %(user)s + n / 3 + 1 END, now() - random() * interval '730 days',
    ('10.' || n / 65536 %% 256 || '.' || n / 256 %% 256 || '.' || n %% 256)::inet, 'Mozilla/5.0', md5(n::text), '{}'
FROM generate_series(%(first)s, %(last)s) n
"""


FILLED = ["notifications_message", "notifications_searchtext", "notifications_messageevent", "accounts_securityevent"]
INDEXES = """
SELECT indexname, replace(indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes
WHERE tablename = ANY(%s) AND indexdef NOT LIKE '%%UNIQUE%%'
"""


class Installation:
    """The database, its superuser, and how many users it has."""

    def __init__(self):
        call_command("migrate", verbosity=0)
        self.admin, self.roles = users_at_scale.staff()
        self._partition_the_past()
        self.message = Message.objects.create(channel=Channel.EMAIL, payload="x" * 400, due_at=timezone.now())
        self.count = 0
        self.api, self.pages = APIClient(), Client()
        self.api.force_authenticate(self.admin)
        self.pages.force_login(self.admin)

    def _partition_the_past(self):
        """As if it had been partitioned for years."""
        for model, months in MONTHS.items():
            partitions.drop_older(model, timezone.now() + timedelta(days=99))
            for ago in range(months, -1, -1):
                partitions.make_ahead(model, partitions.month_of(timezone.now(), -ago))

    def grow(self, count):
        first, last = self.count + 1, count
        users_at_scale.grow(self.admin, self.roles, first, last)
        fields = Message._meta.concrete_fields
        columns = ", ".join(f'"{field.column}"' for field in fields)
        values = ", ".join(DIFFERENT_MESSAGES.get(field.column, f'model."{field.column}"') for field in fields)
        of_user = {"user": User.objects.order_by("-pk").values_list("pk", flat=True)[0] - count}
        with connection.cursor() as cursor, rebuilt_indexes(cursor):
            cursor.execute(
                FILL_MESSAGES.format(columns=columns, values=values),
                {"first": first, "last": last, "model": self.message.pk, **of_user},
            )
            cursor.execute(FILL_SEARCH_TEXTS)
            cursor.execute(FILL_TIMELINES)
            cursor.execute(FILL_EVENTS, {"first": 3 * first - 2, "last": 3 * last, **of_user})
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        self.count = count


@contextmanager
def rebuilt_indexes(cursor):
    """Fill the large tables without indexes, triggers and foreign keys, which takes far less time."""
    cursor.execute(INDEXES, [FILLED])
    indexes = cursor.fetchall()
    cursor.execute("SET session_replication_role = replica; SET maintenance_work_mem = '512MB'")
    for name, _ in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    yield
    for _, definition in indexes:
        cursor.execute(definition)
    cursor.execute("RESET session_replication_role; RESET maintenance_work_mem")


def oldest_page(rows, *names):
    """The query of the last page of a list that begins with the newest."""
    row = rows.order_by(*names).values_list(*names)[users_at_scale.PAGE_SIZE]
    ordering = f"-{names[0]}"
    return {"ordering": ordering, "cursor": _write_cursor(ordering, list(row), backwards=False)}


def pages(path, *queries):
    """The path with each of these queries, by what to call them."""
    name = path.rstrip("/").rpartition("/")[2]
    return {f"{name} {query}".strip(): (path, dict([query.split("=")]) if query else {}) for query in queries}


def gets(client, prefix, where):
    """A call of the client for each path and query."""
    return {f"{prefix}: {name}": partial(client.get, path, query) for name, (path, query) in where.items()}


def api_calls(there):
    one = User.objects.get(email__startswith="carla77@")
    users, messages, events = (f"/api/v1/{name}/" for name in ("users", "notifications", "events"))
    yesterday = (timezone.now() - timedelta(days=1)).isoformat()
    where = {
        **pages(users, "", "search=carla77@fleet", "search=ann", "search=zzz"),
        "users, the last page": (users, oldest_page(User.objects.all(), "id")),
        **pages(
            messages, "", "search=carla77@fleet", "search=ann", "search=zzzz", "status=failed",
            "search=cfcd208495d565ef66e7dff9f98764da",
        ),
        "notifications, the last page": (messages, oldest_page(Message.objects.all(), "created_at", "pk")),
        **pages(events, "", f"user={one.pk}", "kind=password_changed", "kind=locked", "ip=10.0.1.44"),
        "events of a kind and a day": (events, {"kind": "password_changed", "since": yesterday}),
        "events, the last page": (events, oldest_page(SecurityEvent.objects.all(), "created_at", "pk")),
    }  # fmt: skip
    return gets(there.api, "API", where)


def admin_pages(there):
    one = User.objects.get(email__startswith="carla77@")
    message = Message.objects.filter(user=one).first()
    users, messages, events = (
        f"/admin/{name}/" for name in ("accounts/user", "notifications/message", "accounts/securityevent")
    )
    where = {
        "home": ("/admin/", {}),
        "search everywhere": ("/admin/search/", {"s": "carla77"}),
        **pages(
            users, "", "q=carla77@fleet", "q=ann", "q=zzz", "p=90", "is_active__exact=0", "is_active__exact=1",
            "locked=yes", "locked=no", "mfa=yes", "mfa=no", *(f"role={role}" for role in there.roles), "seen=7",
            "seen=30", "seen=before", "seen=never", "invited=yes", "is_staff__exact=1", "is_superuser__exact=1",
            "service_account=yes", "service_account=no",
        ),
        "one user": (f"{users}{one.pk}/change/", {}),
        **pages(
            messages, "", "q=carla77@fleet", "q=ann", "q=zzzz", "status__exact=failed", "status__exact=queued",
            "status__exact=sent", "retriable=yes", "channel__exact=sms", "template=order_ready",
            "template=sms_code", "kind__exact=marketing", "priority__exact=2",
        ),
        "one message": (f"{messages}{message.pk}/change/", {}),
        **pages(events, "", "q=carla77@fleet", "q=zzz", "kind__exact=password_changed", "kind__exact=locked", "p=90"),
    }  # fmt: skip
    return gets(there.pages, "admin", where)


@contextmanager
def undone():
    """Undo what the statements did."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def claim():
    now = timezone.now()
    with undone():
        found = Message.objects.claim_due(
            channel=Channel.EMAIL, claim=uuid4(), now=now, until=now + timedelta(seconds=60), limit=20
        )
        assert len(found) == 20


def count_again():
    event_statistics.count_events()
    message_statistics.count_messages()


def measures(there):
    return {
        **api_calls(there),
        **admin_pages(there),
        "delivery: claim 20 messages": claim,
        "counts for the home page": count_again,
    }


def measure(there):
    count_again()
    found = {}
    for name, call in measures(there).items():
        call()
        with CaptureQueriesContext(connection) as queries:
            answer = call()
            statements = len(queries)
        assert answer is None or answer.status_code == 200, (name, answer.status_code, answer.content[:300])
        times = []
        for _round in range(ROUNDS):
            began = time.perf_counter()
            call()
            times.append(1000 * (time.perf_counter() - began))
            if sum(times) > 1500:
                break
        found[name] = min(times), statements
        print(f"{name}: {min(times):.1f} ms, {statements} statements", file=sys.stderr, flush=True)
    return found


def main(few, many):
    there = Installation()
    results = []
    for count in (few, many):
        began = time.monotonic()
        there.grow(count)
        print(f"{count} users and messages, 3 times the events: {time.monotonic() - began:.0f} s", file=sys.stderr)
        results.append(measure(there))
    small, large = results
    found = {
        name: {"few_ms": before, "many_ms": large[name][0], "times": large[name][0] / before, "sql": large[name][1]}
        for name, (before, _) in small.items()
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
