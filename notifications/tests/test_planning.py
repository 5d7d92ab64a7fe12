"""What PostgreSQL reads to find what waits: entries of messages long gone must not be read again and again."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from notifications.models import Message
from notifications.services.delivery import sweep as delivery_sweep
from notifications.states import Channel, Priority, Status

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

MANY = 300


@pytest.fixture
def plans():
    """The plans of all statements about messages, made while there are many of each kind, as after a busy hour."""
    now, claim, plans = timezone.now(), uuid4(), []
    lease = {"status": Status.SENDING, "claim": claim, "leased_until": now + timedelta(hours=1)}
    Message.objects.bulk_create(Message(channel="email", to=["a@example.com"], **lease) for _ in range(MANY))
    Message.objects.bulk_create(Message(channel="email", to=["a@example.com"]) for _ in range(MANY))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_message")
        cursor.execute("SET random_page_cost = 1000")  # a planner that is keen on bitmaps

    def explained(execute, sql, params, many, context):
        if "notifications_message" in sql and sql.lstrip()[:6] in {"SELECT", "UPDATE", "WITH d"}:
            with context["connection"].connection.cursor() as cursor:
                plans.append("\n".join(line for (line,) in cursor.execute(f"EXPLAIN {sql}", params).fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        yield plans
    with connection.cursor() as cursor:
        cursor.execute("RESET random_page_cost")


def held(many):
    return [message.pk for message in Message.objects.filter(status=Status.SENDING)[:many]]


def test_a_claim_walks_along_the_index_of_what_waits(plans):
    now = timezone.now()
    assert Message.objects.take(
        channel=Channel.EMAIL, lowest=Priority.BULK, claim=uuid4(), now=now, until=now, limit=200
    )
    assert "using notifications_due_by_way" in plans[0]
    assert "Bitmap" not in plans[0]


def test_a_sweep_walks_along_the_indexes_of_what_waits(plans):
    assert delivery_sweep.sweep(timezone.now() + timedelta(hours=2)).requeued == MANY
    assert "using notifications_leased" in plans[0]
    assert "Bitmap" not in plans[0]


def test_what_was_sent_is_found_by_its_key_alone(plans):
    pks = held(20)
    claim = Message.objects.get(pk=pks[0]).claim
    plans.clear()
    sent = dict.fromkeys(pks[:10], "id")
    settled = Message.objects.settle(sent=sent, handing_over=pks[10:], claim=claim, now=timezone.now())
    assert settled == (set(pks[:10]), set(pks[10:]))
    assert "notifications_leased" not in plans[0]


@pytest.mark.parametrize(
    ("narrowed", "index"),
    [
        ({"status": "failed"}, "notifications_not_delivered"),
        ({"template": "welcome"}, "notifications_by_template"),
        ({"channel": "sms"}, "notifications_newest_texts"),
    ],
)
def test_a_list_of_what_is_rare_does_not_read_all_newer_messages(narrowed, index):
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off")
        try:
            plan = Message.objects.listed(**narrowed).order_by("-created_at", "-id")[:25].explain()
        finally:
            cursor.execute("RESET enable_seqscan; RESET enable_sort; RESET enable_bitmapscan")
    assert f"using {index}" in plan
