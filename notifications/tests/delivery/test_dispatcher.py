"""From a queued row to a sent message, or to a recorded reason."""

import threading
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connections, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as hypothesis_settings

from notifications.exceptions import (
    MessageNotRetriableException,
    PermanentDeliveryError,
    TemporaryDeliveryError,
)
from notifications.models import Message, MessageEvent
from notifications.services.audience import preferences, suppression
from notifications.services.compose import outbox
from notifications.services.compose.email import EmailExtras, send_email
from notifications.services.compose.policies import Policy
from notifications.services.compose.sms import send_sms
from notifications.services.compose.writing import MessageDraft
from notifications.services.delivery import outcomes
from notifications.services.delivery import sweep as delivery_sweep
from notifications.services.delivery.attempt import Gateways, Outcome
from notifications.services.delivery.dispatcher import Dispatcher
from notifications.services.delivery.priority_queue import Limits
from notifications.services.operations import messages as operations
from notifications.states import MOVES, Channel, Guarantee, Kind, Priority, Status, SuppressionReason, sources

pytestmark = pytest.mark.django_db(transaction=True)


class Recorder:
    """A gateway that records what was sent and raises the given errors first."""

    def __init__(self, *errors, seconds=0.0):
        self.sent, self.errors, self.seconds = [], list(errors), seconds

    def send(self, content):
        time.sleep(self.seconds)
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(content)
        return f"id-{len(self.sent)}"


@pytest.fixture(autouse=True)
def by_worker(settings, monkeypatch):
    """Nothing is sent by itself: a broker is named, and no worker is notified."""
    settings.CELERY_BROKER_URL = "memory://"
    monkeypatch.setattr("notifications.tasks.dispatch.apply_async", lambda *args, **kwargs: None)


def queue(**policy):
    send_at = policy.pop("send_at", None)
    to = policy.pop("to", ["ann@example.com"])
    draft = MessageDraft(policy=Policy(**policy), send_at=send_at)
    return send_email(to=to, subject="Hello", text="Hello Ann", draft=draft)


def dispatch(*errors, channel=Channel.EMAIL, **limits):
    recorder = Recorder(*errors)
    Dispatcher(Limits(channel, **limits), gateways=Gateways(email=recorder, sms=recorder)).run()
    return recorder


def abandon(message, *, started):
    """As if its sender had been killed a while ago."""
    now = timezone.now()
    [taken] = Message.objects.filter(pk=message.pk).claim_due(
        channel=Channel.EMAIL, lowest=Priority.BULK, claim=uuid4(), now=now, until=now, limit=1
    )
    if started:
        Message.objects.start_sending([taken.pk], taken.claim, now)
    return taken


def test_a_message_is_sent_and_its_content_forgotten():
    message = queue()
    assert [email.text for email in dispatch().sent] == ["Hello Ann"]
    message.refresh_from_db()
    assert (message.status, message.payload, message.provider_message_id) == (Status.SENT, "", "id-1")
    assert [event.type for event in message.events.all()] == ["sent"]


def test_a_throttled_message_is_tried_again_later_each_time():
    message = queue()
    pauses = []
    for attempt in range(1, 4):
        dispatch(TemporaryDeliveryError("Amazon: Throttling"))
        message.refresh_from_db()
        assert (message.status, message.attempts) == (Status.QUEUED, attempt)
        pauses.append((message.due_at - timezone.now()).total_seconds())
        assert dispatch().sent == []
        Message.objects.update(due_at=timezone.now())
    assert all(2**n / 2 - 1 < pause <= 2**n for n, pause in enumerate(pauses, start=1))
    dispatch()
    message.refresh_from_db()
    assert message.status == Status.SENT


def test_a_message_that_fails_for_a_day_becomes_a_dead_letter():
    message = queue()
    Message.objects.update(give_up_at=timezone.now())
    dispatch(TemporaryDeliveryError("Amazon: InternalFailure"))
    assert list(Message.objects.dead_letters()) == [message]


@pytest.mark.usefixtures("may_do_all")
def test_a_rejected_message_is_retried_only_by_staff(user):
    message = queue()
    dispatch(PermanentDeliveryError("Amazon refused: MessageRejected"))
    message.refresh_from_db()
    assert (message.status, message.last_error) == (Status.FAILED, "Amazon refused: MessageRejected")
    assert dispatch().sent == []
    assert operations.retry_all(messages=Message.objects.all(), by=user) == 1
    assert len(dispatch().sent) == 1
    with pytest.raises(MessageNotRetriableException):
        operations.retry(message=message, by=user)


def test_a_bug_in_a_gateway_fails_one_message_and_not_the_rest():
    queue(), queue()
    assert len(dispatch(RuntimeError("bug"), senders=1).sent) == 1
    assert Message.objects.get(status=Status.FAILED).last_error == "Internal error: RuntimeError."


def test_codes_go_before_what_was_queued_earlier():
    for priority in (Priority.BULK, Priority.TRANSACTIONAL, Priority.CODE):
        queue(priority=priority, to=[f"{priority.name.lower()}@example.com"])
    sent = [email.to[0] for email in dispatch(senders=1).sent]
    assert sent == ["code@example.com", "transactional@example.com", "bulk@example.com"]


def test_a_code_that_comes_while_bulk_is_sent_does_not_wait_for_it():
    for number in range(200):
        queue(priority=Priority.BULK, to=[f"{number}@example.com"])
    recorder = Recorder(seconds=0.01)
    running = threading.Thread(
        target=lambda: (
            Dispatcher(Limits(Channel.EMAIL, senders=2), gateways=Gateways(recorder, recorder)).run(),
            connections.close_all(),
        )
    )
    running.start()
    time.sleep(0.2)
    queue(priority=Priority.CODE, to=["code@example.com"])
    running.join()
    assert [email.to[0] for email in recorder.sent].index("code@example.com") < 150


def test_a_dispatcher_of_codes_sends_no_bulk():
    queue(priority=Priority.BULK)
    assert dispatch(lowest=Priority.TRANSACTIONAL).sent == []


def test_a_code_that_is_too_late_is_cancelled_and_never_sent():
    message = queue(lifetime=timedelta(minutes=5))
    Message.objects.update(expires_at=timezone.now())
    assert dispatch().sent == []
    message.refresh_from_db()
    assert (message.status, message.payload) == (Status.CANCELLED, "")


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


def test_a_sender_given_up_for_dead_may_still_say_that_it_sent():
    message = queue()
    taken = abandon(message, started=True)
    delivery_sweep.sweep()
    outcomes.commit([Outcome(taken, Status.SENT, provider_id="late")], taken.claim)
    message.refresh_from_db()
    assert (message.status, message.provider_message_id) == (Status.SENT, "late")
    assert dispatch().sent == []


def test_nothing_is_sent_to_a_suppressed_address():
    suppression.suppress(channel=Channel.EMAIL, address="ann@example.com", reason=SuppressionReason.BOUNCE)
    alone, together = queue(to=["Ann <Ann@example.com>"]), queue(to=["ann@example.com", "bob@example.com"])
    assert [email.to for email in dispatch().sent] == [("bob@example.com",)]
    alone.refresh_from_db(), together.refresh_from_db()
    assert (alone.status, together.status) == (Status.SUPPRESSED, Status.SENT)


def test_an_unsubscribed_user_still_gets_security_emails(user):
    preferences.change(user=user, changes={Kind.MARKETING: False})
    for kind in (Kind.MARKETING, Kind.SECURITY):
        send_email(to=[user.email], subject=kind, text="x", draft=MessageDraft(policy=Policy(kind=kind), user=user))
    assert [email.subject for email in dispatch().sent] == ["security"]


@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
def test_unsubscribed_recipients_are_excluded_from_an_email(user, field):
    preferences.change(user=user, changes={Kind.ACCOUNT: False})
    others = {"to": ["bob@example.com"], "cc": ["cid@example.com"], "bcc": ["dan@example.com"]}
    everybody = {**others, field: [f"Ann <{user.email.upper()}>", *others[field]]}
    extras = EmailExtras(cc=everybody["cc"], bcc=everybody["bcc"])
    for kind in (Kind.ACCOUNT, Kind.SECURITY):
        send_email(
            to=everybody["to"], subject=kind, text="x", extras=extras, draft=MessageDraft(policy=Policy(kind=kind))
        )
    recipients = {email.subject: {name: len(getattr(email, name)) for name in others} for email in dispatch().sent}
    assert recipients["account"] == {"to": 1, "cc": 1, "bcc": 1}
    assert recipients["security"] == {name: len(addresses) for name, addresses in everybody.items()}


@pytest.mark.parametrize(("is_confirmed", "texts"), [(True, 0), (False, 1)])
def test_an_sms_is_not_sent_to_the_confirmed_number_of_an_unsubscriber(user, is_confirmed, texts):
    user.phone, user.phone_verified_at = "+4915112345678", timezone.now() if is_confirmed else None
    user.save()
    preferences.change(user=user, changes={Kind.MARKETING: False})
    send_sms(to=user.phone, text="Burgers!", draft=MessageDraft(policy=Policy(kind=Kind.MARKETING)))
    assert len(dispatch(channel=Channel.SMS).sent) == texts


def test_several_dispatchers_send_each_message_once():
    for number in range(60):
        queue(to=[f"{number}@example.com"])
    recorder = Recorder(seconds=0.005)

    def run():
        Dispatcher(Limits(Channel.EMAIL, senders=3), gateways=Gateways(recorder, recorder)).run()
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(email.to[0] for email in recorder.sent) == sorted(f"{number}@example.com" for number in range(60))
    assert MessageEvent.objects.count() == 60


def test_a_dispatcher_releases_what_it_did_not_send():
    for _ in range(10):
        queue()
    dispatch(senders=2, seconds=0)
    assert set(Message.objects.values_list("status", "attempts")) == {("queued", 0)}


def test_no_move_is_possible_but_those_of_the_table():
    message = queue()
    lease = {"claim": uuid4(), "leased_until": timezone.now()}
    for source in Status:
        for target in Status:
            Message.objects.filter(pk=message.pk).update(status=source, **lease)
            assert Message.objects.move(message.pk, target) == (target in MOVES[source]) == (source in sources(target))


class _Failure(Exception):
    pass


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(
    steps=strategies.lists(strategies.tuples(strategies.booleans(), strategies.integers(0, 2)), max_size=5),
    fails=strategies.booleans(),
)
def test_an_event_queues_its_messages_only_if_it_commits(settings, steps, fails):
    """Steps queue messages inside savepoints that fail or hold; then the whole transaction fails or holds."""
    Message.objects.all().delete()
    settings.CELERY_BROKER_URL = ""
    mail.outbox = []
    expected = 0
    try:
        with transaction.atomic():
            for holds, count in steps:
                try:
                    with transaction.atomic():
                        for _ in range(count):
                            queue()
                        if not holds:
                            raise _Failure
                    expected += count
                except _Failure:
                    pass
            if fails:
                raise _Failure
    except _Failure:
        expected = 0
    assert Message.objects.count() == len(mail.outbox) == expected
    assert Message.objects.filter(status=Status.SENT).count() == expected


def test_without_a_broker_a_slow_mail_server_holds_nobody_up(settings, monkeypatch, user):
    settings.CELERY_BROKER_URL = ""
    monkeypatch.setattr("notifications.services.delivery.in_process.TIMEOUT", 0.2)
    settings.EMAIL_BACKEND = "notifications.tests.delivery.test_dispatcher.SlowBackend"
    SlowBackend.answers.clear()
    message = outbox.queue_email(template="welcome", user=user, variables={"link": "https://example.com/"})
    assert Message.objects.get(pk=message.pk).status != Status.SENT
    SlowBackend.answers.set()
    for _ in range(400):
        message.refresh_from_db()
        if message.status == Status.SENT:
            break
        time.sleep(0.05)
    assert message.status == Status.SENT


class SlowBackend:
    """A mail server that answers when the test says so."""

    answers = threading.Event()

    def __init__(self, **kwargs):
        pass

    def send_messages(self, messages):
        self.answers.wait(30)


class BrokenBackend(SlowBackend):
    """A mail server that is away."""

    def send_messages(self, messages):
        raise ConnectionRefusedError


def test_without_a_broker_failures_are_retried_by_the_next_dispatch(settings, user):
    settings.CELERY_BROKER_URL = ""
    settings.EMAIL_BACKEND = "notifications.tests.delivery.test_dispatcher.BrokenBackend"
    outbox.queue_email(template="welcome", user=user, variables={"link": "https://example.com/"})
    queue()
    assert set(Message.objects.values_list("status", flat=True)) == {Status.QUEUED}
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    Message.objects.filter(template="welcome").update(due_at=timezone.now())
    queue()
    assert Message.objects.get(template="welcome").status == Status.SENT
    Message.objects.update(due_at=timezone.now())
    call_command("deliver_due")
    assert set(Message.objects.values_list("status", flat=True)) == {Status.SENT}
