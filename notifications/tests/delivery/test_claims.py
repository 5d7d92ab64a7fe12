"""Claims of due messages, and statements about messages that are known by key and time."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from notifications.models import Message
from notifications.states import Channel, Priority, Status

pytestmark = pytest.mark.django_db(transaction=True)


def queued(priority=Priority.BULK, seconds=0, **fields):
    """Queue a message that has been due for so many seconds."""
    due_at = timezone.now() - timedelta(seconds=seconds)
    return Message.objects.create(channel=Channel.EMAIL, priority=priority, due_at=due_at, **fields)


def claim(messages=Message.objects, limit=20, **fields):
    now = timezone.now()
    until = now + timedelta(minutes=1)
    return messages.claim_due(channel=Channel.EMAIL, claim=uuid4(), now=now, until=until, limit=limit, **fields)


@pytest.fixture
def three():
    """One of each priority; the lowest is due first."""
    return [queued(priority, seconds=10 * priority) for priority in Priority]


def test_higher_priorities_are_claimed_first(three):
    code, transactional, bulk = three
    early = queued(seconds=99)
    assert claim(limit=2) == [code, transactional]
    assert claim(limit=2, lowest=Priority.TRANSACTIONAL) == []
    assert claim() == [early, bulk]
    assert claim() == []


def test_chosen_messages_are_claimed_in_the_same_order(three):
    code, transactional, bulk = three
    early = queued(seconds=99)
    chosen = Message.objects.filter(pk__in=[message.pk for message in (bulk, code, early)])
    assert claim(chosen, limit=1) == [code]
    assert claim(chosen, lowest=Priority.TRANSACTIONAL) == []
    assert claim(chosen) == [early, bulk]
    assert claim() == [transactional]


def test_a_claim_takes_only_due_messages_of_the_channel(three):
    queued(seconds=-60)
    Message.objects.create(channel=Channel.SMS)
    found = claim()
    assert sorted(found, key=lambda message: message.priority) == three
    for message in found:
        kept = (message.claim, message.leased_until, message.attempts, message.status)
        message.refresh_from_db()
        assert kept == (message.claim, message.leased_until, 1, Status.SENDING)


@pytest.mark.postgres
@pytest.mark.parametrize("count", [0, 100, 1000])
def test_a_claim_reads_the_index_of_the_queue_in_its_order(count):
    finished = [Message(channel=Channel.EMAIL, status="sent") for _ in range(500)]
    Message.objects.bulk_create(finished + [Message(channel=Channel.EMAIL, priority=0) for _ in range(count)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_message")
        for _ in range(7):
            claim(limit=1, lowest=Priority.CODE)
        query = "SELECT name, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%SKIP LOCKED%'"
        cursor.execute(query)
        [(name, planned_anew)] = cursor.fetchall()
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        cursor.execute(f"EXPLAIN EXECUTE {name} (now(), 20)")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("RESET plan_cache_mode")
    assert planned_anew == 0
    assert "Index Scan using notifications_due_by_way" in plan
    assert "due_at <= $1" in plan
    assert "->  Sort" not in plan or not count  # nothing to sort yet


def test_these_are_exactly_the_given_messages(three, django_assert_num_queries):
    assert set(Message.objects.these(three[:2])) == set(three[:2])
    assert list(Message.objects.filter(priority=0).these(three)) == three[:1]
    with django_assert_num_queries(0):
        assert list(Message.objects.these([])) == []
        assert Message.objects.these([]).update(attempts=1) == 0


def test_a_message_is_found_by_its_ids(user, django_assert_num_queries):
    message = queued(provider_message_id="ses-1", sender=user, idempotency_key="k")
    queued(sender=user)
    with django_assert_num_queries(2):
        assert Message.objects.find_by_provider_id("ses-1") == message
        assert Message.objects.find_by_idempotency_key(user, "k") == message
    assert Message.objects.find_by_provider_id("") is None
    assert Message.objects.find_by_provider_id("ses-2") is None
    assert Message.objects.find_by_idempotency_key(user, "") is None
