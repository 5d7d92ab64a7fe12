"""The database, the provider's response or a commit's is lost during delivery."""

import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import OperationalError, connections, transaction
from django.test import override_settings
from django.utils import timezone

from foodfleet.core.cache import rate_limits
from notifications.gateways.files import DatabaseStorage
from notifications.models import Message, StoredFile
from notifications.services.compose import attachments
from notifications.services.compose.policies import SMS_CODE, Policy
from notifications.services.compose.sms import send_sms
from notifications.services.compose.writing import MessageDraft
from notifications.services.delivery import sweep as delivery_sweep
from notifications.services.delivery.dispatcher import Dispatcher
from notifications.services.delivery.priority_queue import Limits
from notifications.services.operations import messages as operations
from notifications.services.operations import retention
from notifications.states import Channel, Priority
from notifications.tests.delivery.dispatching import FakeGateway, dispatch, mail

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def by_worker(settings, monkeypatch):
    settings.CELERY_BROKER_URL = "memory://"
    monkeypatch.setattr("notifications.tasks.dispatch.apply_async", lambda *args, **kwargs: None)


def failing(real, *which):
    """`real`, but that these calls of it find the database away."""
    calls = []

    def call(*args, **kwargs):
        calls.append(1)
        if len(calls) in which:
            raise OperationalError("server closed the connection unexpectedly")
        return real(*args, **kwargs)

    return call


def test_a_dispatcher_survives_a_database_outage_in_the_rate_limiter(settings, monkeypatch):
    settings.EMAIL_MAX_PER_SECOND, settings.REDIS_URL = 50, ""
    for number in range(6):
        mail(number)
    monkeypatch.setattr(rate_limits, "acquire", failing(rate_limits.acquire, 3))
    gateway = FakeGateway(lambda number, content: time.sleep(0.2))
    dispatch(gateway, senders=4)
    assert len(gateway.sent) == Message.objects.filter(status="sent").count() == 6


def test_a_file_that_cannot_be_removed_ends_no_dispatcher(monkeypatch):
    mail("file", files=1)
    for number in range(3):
        mail(number)
    monkeypatch.setattr(attachments, "discard_of", failing(attachments.discard_of, 1, 2, 3))
    gateway = FakeGateway()
    dispatch(gateway, senders=4)
    assert Message.objects.filter(status="sent").count() == 4


@pytest.fixture
def forgetful_sns(settings):
    """Takes each text, and loses its first answer."""
    taken = []

    class Sns(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            call = "Publish" if "Action=Publish" in body else "CheckIfPhoneNumberIsOptedOut"
            if call == "Publish":
                taken.append(body)
                if len(taken) == 1:
                    self.close_connection = True
                    self.connection.close()
                    return
            result = "<isOptedOut>false</isOptedOut>" if call != "Publish" else "<MessageId>sns-1</MessageId>"
            answer = (
                f"<{call}Response xmlns='http://sns.amazonaws.com/doc/2010-03-31/'>"
                f"<{call}Result>{result}</{call}Result></{call}Response>"
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sns)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.SMS_URL, settings.AWS_ENDPOINT_URL = "sns://", f"http://127.0.0.1:{server.server_address[1]}"
    yield taken
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("policy", "texts", "status"), [(SMS_CODE, 1, "failed"), (Policy(priority=Priority.TRANSACTIONAL), 2, "sent")]
)
def test_an_sms_with_a_lost_response_is_resent_only_if_its_policy_allows(forgetful_sns, policy, texts, status):
    message = send_sms(to="+4915112345678", text="Hello", draft=MessageDraft(policy=policy))
    for _ in range(2):
        Message.objects.filter(status="queued").update(due_at=timezone.now())
        Dispatcher(Limits(Channel.SMS)).run()
    message.refresh_from_db()
    assert (len(forgetful_sns), message.status, message.is_uncertain) == (texts, status, True)


def test_a_message_that_kills_its_senders_is_delayed_then_fails():
    message = mail()
    states = []
    for number in range(4):
        Message.objects.filter(status="queued").update(due_at=timezone.now())
        if number == 3:
            Message.objects.update(give_up_at=timezone.now())
        now = timezone.now()
        [taken] = Message.objects.claim_due(channel=Channel.EMAIL, claim=message.pk, now=now, until=now, limit=1)
        Message.objects.start_sending([taken], taken.claim, now)
        delivery_sweep.sweep()
        message.refresh_from_db()
        states.append((message.status, message.due_at > timezone.now()))
    assert states[:3] == [("queued", False), ("queued", False), ("queued", True)]
    assert states[3][0] == "failed"


@pytest.mark.parametrize("error", [FileNotFoundError("gone"), OSError("away"), OperationalError("away")])
def test_a_mail_whose_file_cannot_be_read_is_tried_again(monkeypatch, error):
    message = mail("file", files=1)

    def fail(storage, name, mode="rb"):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(DatabaseStorage, "_open", fail)
        dispatch(FakeGateway())
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("queued", 1)
    Message.objects.update(due_at=timezone.now())
    gateway = FakeGateway()
    dispatch(gateway)
    assert [file.content for file in gateway.sent[0].files] == [b"hi"]


def test_a_file_of_a_mail_that_was_queued_in_a_folder_before_is_still_sent(settings):
    default = settings.STORAGES["default"]
    with override_settings(STORAGES={**settings.STORAGES, "attachments": default}):
        mail("file", files=1)
    assert not StoredFile.objects.exists()
    gateway = FakeGateway()
    dispatch(gateway)
    assert [file.content for file in gateway.sent[0].files] == [b"hi"]


def old_failed_mail(**fields):
    message = mail("file", files=1)
    long_ago = timezone.now() - timedelta(days=40)
    Message.objects.update(status="failed", created_at=long_ago, **fields)
    message.refresh_from_db()
    return message


def test_the_file_of_a_final_message_is_deleted_with_its_content():
    message = old_failed_mail(expires_at=timezone.now() - timedelta(days=1))
    Message.objects.update(created_at=timezone.now() - timedelta(days=1))
    retention.forget()
    delivery_sweep.sweep()
    message.refresh_from_db()
    assert (message.payload, message.attachments.get().file.name) == ("", "")


def test_a_deleted_account_leaves_no_file_and_no_name_of_one(user):
    message = old_failed_mail(user=user)
    retention.erase_recipient(user)
    delivery_sweep.sweep()
    file = message.attachments.get()
    assert (file.filename, file.file.name) == ("", "")


def test_a_removed_message_deletes_its_file(settings):
    old_failed_mail()
    Message.objects.update(created_at=timezone.now() - timedelta(days=settings.MESSAGES_REMOVED_AFTER_DAYS + 1))
    retention.forget()
    assert not Message.objects.exists()
    assert not StoredFile.objects.exists()


@pytest.mark.postgres
def test_a_message_that_is_being_retried_is_not_removed(user, allow):
    """The row is locked by the retry: retention passes it by."""
    allow(user, "notifications:send")
    message = old_failed_mail()

    def forget():
        try:
            retention.forget()
        finally:
            connections.close_all()

    with transaction.atomic():
        operations.retry(message=message, by=user)
        thread = threading.Thread(target=forget)
        thread.start()
        thread.join(10)
    gateway = FakeGateway()
    dispatch(gateway)
    assert [len(email.files) for email in gateway.sent] == [1]
