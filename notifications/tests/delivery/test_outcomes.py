"""Outcomes of attempts are saved once, and only as the table of states allows."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.utils import timezone

from notifications.models import Message, MessageEvent
from notifications.services.delivery import outcomes
from notifications.services.delivery import sweep as delivery_sweep
from notifications.services.delivery.attempt import Outcome
from notifications.states import MOVES, Status, sources
from notifications.tests.delivery.dispatching import abandon, queue
from notifications.tests.delivery.dispatching import dispatch_recorded as dispatch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("by_worker")]


def test_a_sender_given_up_for_dead_may_still_say_that_it_sent():
    message = queue()
    taken = abandon(message, started=True)
    delivery_sweep.sweep()
    outcomes.commit([Outcome(taken, Status.SENT, provider_id="late")], taken.claim)
    message.refresh_from_db()
    assert (message.status, message.provider_message_id) == (Status.SENT, "late")
    assert dispatch().sent == []


def test_the_time_of_the_next_attempt_is_recorded_in_utc():
    taken = abandon(queue(), started=True)
    outcomes.commit([Outcome(taken, Status.QUEUED, due_at=datetime(2999, 1, 1, tzinfo=UTC))], taken.claim)
    (event,) = MessageEvent.objects.filter(type="postponed")
    assert event.details["next_try_at"] == "2999-01-01T00:00:00Z"


def test_no_move_is_possible_but_those_of_the_table():
    message = queue()
    lease = {"claim": uuid4(), "leased_until": timezone.now()}
    for source in Status:
        for target in Status:
            Message.objects.filter(pk=message.pk).update(status=source, **lease)
            assert Message.objects.move(message, target) == (target in MOVES[source]) == (source in sources(target))
