"""Messages are retried and cancelled."""

from threading import Barrier, Thread

import pytest
from django.db import connections
from django.urls import reverse

from foodfleet.core.database import batches
from notifications.exceptions import (
    MessageNotCancellableException,
    MessageNotRetriableException,
    PermanentDeliveryError,
)
from notifications.gateways import files
from notifications.models import Attachment, Message
from notifications.services.compose import writing
from notifications.services.delivery.dispatcher import Dispatcher
from notifications.services.delivery.priority_queue import Limits
from notifications.services.operations import messages as operations
from notifications.states import Channel, Status
from notifications.tests.delivery.dispatching import dispatch_recorded as dispatch
from notifications.tests.delivery.dispatching import queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def sender(api, user, allow):
    """The API as somebody who may send."""
    allow(user, "notifications:send", "notifications:read")
    api.force_authenticate(user)
    return api


def waiting(status=Status.QUEUED, **fields):
    content = writing.encrypt_content({"text": "Two for one", "subject": "Offer", "html": ""})
    return Message.objects.create(
        channel=Channel.EMAIL, to=["ann@example.com"], subject="Offer", status=status, payload=content, **fields
    )


def path_of(message):
    return f"/api/v1/notifications/{message.pk}/cancel/"


def test_cancelled_message_names_the_staff_in_its_timeline(sender, user):
    message = waiting()
    answer = sender.post(path_of(message))
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert [(event["type"], event["details"]) for event in answer.json()["events"]] == [("cancelled", {"by": user.pk})]
    message.refresh_from_db()
    assert (message.status, message.payload) == ("cancelled", "")
    assert Dispatcher(Limits(Channel.EMAIL)).run().sent == 0


def test_cancelling_removes_the_files(sender, django_capture_on_commit_callbacks):
    message = waiting(has_attachments=True)
    attachment = Attachment(message=message, filename="menu.pdf", content_type="application/pdf", size=4)
    attachment.file = name = files.save("menu", b"%PDF")
    attachment.save()
    with django_capture_on_commit_callbacks(execute=True):
        assert sender.post(path_of(message)).status_code == 200
    attachment.refresh_from_db()
    assert (attachment.file.name, attachment.filename) == ("", "menu.pdf")
    with pytest.raises(FileNotFoundError):
        files.read(name)


@pytest.mark.parametrize("status", ["sent", "failed", "cancelled", "delivered"])
def test_only_queued_messages_can_be_cancelled(sender, status):
    message = waiting(status)
    answer = sender.post(path_of(message))
    assert (answer.status_code, answer.json()["code"]) == (409, "message_not_cancellable")
    message.refresh_from_db()
    assert (message.status, message.payload != "", message.events.count()) == (status, True, 0)


def test_cancelling_an_unknown_message_is_404(sender):
    missing = sender.post("/api/v1/notifications/0f8fad5b-d9cb-469f-a165-70867728950e/cancel/")
    assert (missing.status_code, missing.json()["code"]) == (404, "message_not_found")


def call_back(client, *messages):
    data = {"action": "cancel", "_selected_action": [str(message.pk) for message in messages], "confirmed": "1"}
    return client.post(reverse("admin:notifications_message_changelist"), data, follow=True)


def test_staff_with_send_permission_cancel_queued_messages(client, make_user, settings):
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(make_user("boss@example.com", is_staff=True, is_superuser=True))
    first, second, sent = waiting(), waiting(), waiting(Status.SENT)
    assert "2 messages were cancelled." in call_back(client, first, second, sent).content.decode()
    assert sorted(Message.objects.values_list("status", flat=True)) == ["cancelled", "cancelled", "sent"]
    assert sent.events.count() == 0


def test_read_only_staff_cannot_cancel(client, make_user, allow, settings):
    settings.ADMIN_REQUIRE_2FA = False
    reader = make_user("reader@example.com", is_staff=True)
    allow(reader, "notifications:read")
    client.force_login(reader)
    message = waiting()
    call_back(client, message)
    message.refresh_from_db()
    assert message.status == "queued"


def test_bulk_cancel_works_in_batches_with_events(monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(batches, "BATCH", 10)
    for _ in range(25):
        waiting()
    with django_assert_max_num_queries(20):  # 25 of them: one by one it would be a hundred
        assert operations.cancel_all(messages=Message.objects.all(), by=None) == 25
    assert all(message.events.count() == 1 for message in Message.objects.all())


@pytest.mark.django_db(transaction=True)
def test_concurrent_cancels_apply_once():
    message, ready, won = waiting(), Barrier(2), []

    def cancel():
        ready.wait()
        try:
            operations.cancel(message=message, by=None)
            won.append(True)
        except MessageNotCancellableException:
            pass
        finally:
            connections.close_all()

    threads = [Thread(target=cancel) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [True]
    assert message.events.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("may_do_all", "by_worker")
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
