"""What dispatchers left behind is queued again, given up or cancelled."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications import tasks
from notifications.models import Message
from notifications.services.delivery import sweep as delivery_sweep
from notifications.states import Channel, Guarantee, Priority, Status
from notifications.tests.delivery.dispatching import abandon, mail, queue
from notifications.tests.delivery.dispatching import dispatch_recorded as dispatch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("by_worker")]


def test_a_sweep_cancels_what_waits_past_its_life():
    queue(lifetime=timedelta(minutes=5))
    assert delivery_sweep.sweep(timezone.now() + timedelta(minutes=6)).cancelled == 1
    with pytest.raises(Message.DoesNotExist):
        Message.objects.get(status=Status.QUEUED)


def test_a_message_for_later_waits():
    queue(send_at=timezone.now() + timedelta(hours=1))
    assert dispatch().sent == []
    assert delivery_sweep.next_due(Channel.EMAIL, Priority.BULK) > timezone.now() + timedelta(minutes=59)


def test_a_killed_dispatchers_unsent_message_is_sent_normally():
    message = queue()
    abandon(message, started=False)
    assert delivery_sweep.sweep().requeued == 1
    assert len(dispatch().sent) == 1
    message.refresh_from_db()
    assert (message.status, message.is_uncertain) == (Status.SENT, False)
    assert [event.type for event in message.events.all()] == ["sent"]


def test_a_killed_senders_message_is_sent_again_and_marked():
    message = queue()
    abandon(message, started=True)
    assert dispatch().sent == []
    assert delivery_sweep.sweep().requeued == 1
    assert len(dispatch().sent) == 1
    message.refresh_from_db()
    assert (message.status, message.is_uncertain) == (Status.SENT, True)
    assert [event.type for event in message.events.all()] == ["uncertain", "sent"]


@pytest.mark.parametrize(("handed_over", "becomes", "uncertain"), [(True, "failed", True), (False, "queued", False)])
def test_a_killed_senders_code_is_not_sent_twice(handed_over, becomes, uncertain):
    message = queue(priority=Priority.CODE, guarantee=Guarantee.AT_MOST_ONCE)
    abandon(message, started=handed_over)
    delivery_sweep.sweep()
    message.refresh_from_db()
    assert (message.status, message.is_uncertain) == (becomes, uncertain)


def test_a_worker_that_never_idles_takes_back_what_a_dead_one_held():
    mail()
    now = timezone.now()
    Message.objects.claim_due(
        channel=Channel.EMAIL, claim=Message.objects.get().pk, now=now, until=now - timedelta(seconds=1), limit=1
    )
    tasks.dispatch(int(Priority.TRANSACTIONAL), Channel.EMAIL)
    assert Message.objects.get().status == "sent"
