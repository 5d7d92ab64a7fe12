"""Retention of messages."""

import contextlib
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.utils import timezone

from foodfleet.core.database import batches, partitions
from foodfleet.environment import Environment
from notifications.gateways import files
from notifications.models import (
    Attachment,
    Message,
    MessageEvent,
    Receipt,
    SearchText,
    StoredFile,
    WebhookDelivery,
)
from notifications.services import doctor
from notifications.services.compose import attachments, writing
from notifications.services.compose.email import EmailExtras, NewAttachment, send_email
from notifications.services.compose.writing import MessageDraft
from notifications.services.operations import retention
from notifications.states import Channel, Status

pytestmark = pytest.mark.django_db


def message(days, status=Status.SENT, **fields):
    created = timezone.now() - timedelta(days=days)
    defaults = {
        "to": ["ann@example.com"],
        "subject": "Hello",
        "last_error": "550 ann@example.com unknown",
        "request_id": "r" * 10,
    }
    return Message.objects.create(channel=Channel.EMAIL, status=status, created_at=created, **{**defaults, **fields})


def test_messages_are_reduced_and_later_removed(settings):
    young, old, ancient, waiting = (
        message(29),
        message(31),
        message(366),
        message(400, Status.QUEUED, payload=writing.encrypt_content({"a": 1})),
    )
    attachment = Attachment(message=old, filename="salary.pdf", content_type="application/pdf", size=1)
    attachment.file.save("x", ContentFile(b"x"))
    Message.objects.filter(pk=old.pk).update(has_attachments=True)
    MessageEvent.objects.create(message=old, type="bounced", details={"recipients": ["ann@example.com"]})
    done = retention.forget()
    assert (done.reduced, done.removed) == (2, 1)
    for row in (young, waiting):
        before = row.payload
        row.refresh_from_db()
        assert (row.to, row.payload) == (["ann@example.com"], before)
    old.refresh_from_db()
    attachment.refresh_from_db()
    assert (old.to, old.subject, old.last_error, old.status, old.events.get().details) == ([], "", "", "sent", {})
    assert (attachment.filename, attachment.file.name) == ("", "")
    assert not Message.objects.filter(pk=ancient.pk).exists()
    assert retention.forget() == retention.Forgotten(0, 0, 0, 0, 0)


def test_content_of_expired_failed_messages_is_removed():
    spent = message(
        0,
        Status.FAILED,
        payload=writing.encrypt_content({"text": "123456"}),
        expires_at=timezone.now() - timedelta(seconds=1),
    )
    again = message(0, Status.FAILED, payload=writing.encrypt_content({"text": "x"}))
    assert retention.forget().emptied == 1
    for row in (spent, again):
        row.refresh_from_db()
    assert spent.payload == ""
    assert again.payload != ""


def test_retention_works_in_batches(monkeypatch):
    monkeypatch.setattr(batches, "BATCH", 3)
    for _ in range(7):
        message(40)
    Receipt.objects.create(
        source_id="a",
        fingerprint="a",
        provider_message_id="a",
        occurred_at=timezone.now(),
        received_at=timezone.now() - timedelta(days=4),
    )
    assert retention.forget() == retention.Forgotten(0, 7, 0, 1, 0)


def test_code_cannot_be_read_in_the_row():
    ciphertext = writing.encrypt_content({"text": "Your verification code is: 123456"})
    assert "123456" not in ciphertext
    assert "verification" not in ciphertext


@pytest.mark.parametrize(("url", "orphans"), [("database://", 0), ("file://{}", 1)])
def test_file_of_a_rolled_back_transaction_is_removed(settings, tmp_path, url, orphans):
    entry = Environment({"X": url.format(tmp_path)}).attachments("X", region="", endpoint="")
    settings.STORAGES = {**settings.STORAGES, "attachments": entry}
    mail = {"to": ["ann@example.com"], "subject": "Menu", "text": "Here"}
    extras = EmailExtras(attachments=[NewAttachment("menu.pdf", b"%PDF")])
    queued = send_email(**mail, extras=extras, draft=MessageDraft(send_at=timezone.now() + timedelta(days=3)))
    with contextlib.suppress(RuntimeError), transaction.atomic():
        send_email(**mail, extras=extras)
        raise RuntimeError("what caused the mail failed")
    folder = Attachment.folder(timezone.now())
    assert len(files.names_in(folder)) == 1 + orphans
    assert retention.forget().orphans == 0
    assert retention.forget(timezone.now() + timedelta(days=1, seconds=5)).orphans == orphans
    assert files.names_in(folder) == {queued.attachments.get().file.name}


@pytest.mark.django_db(transaction=True)
def test_old_messages_are_removed_with_their_rows_and_files(settings, monkeypatch):
    monkeypatch.setattr(retention, "REMOVED_AT_ONCE", 3)
    mail = {"to": ["ann@example.com"], "subject": "Menu", "text": "Here"}
    extras = EmailExtras(attachments=[NewAttachment("menu.pdf", b"%PDF")])
    later = MessageDraft(send_at=timezone.now() + timedelta(days=3))
    waiting, *old = [send_email(**mail, extras=extras, draft=later) for _ in range(9)]
    for one in old:
        MessageEvent.objects.create(message=one, type="failed")
    long_ago = timezone.now() - timedelta(days=settings.MESSAGES_REMOVED_AFTER_DAYS + 1)
    Message.objects.update(created_at=long_ago)
    Message.objects.exclude(pk=waiting.pk).update(status="failed")
    assert retention.forget().removed == 8
    assert list(Message.objects.all()) == [waiting]
    assert (MessageEvent.objects.count(), Attachment.objects.count()) == (0, 1)
    assert StoredFile.objects.count() == 1


@pytest.fixture
def of_months(message_partitions, settings, monkeypatch):
    """Give a function that writes a finished message of 2031 with all that belongs to it; the time is the end of May."""
    settings.MESSAGES_REMOVED_AFTER_DAYS = 60
    monkeypatch.setattr(timezone, "now", lambda: datetime(2031, 5, 31, tzinfo=UTC))
    retention.forget()

    def write(month, day=3, **fields):
        time = datetime(2031, month, day, tzinfo=UTC)
        values = {"channel": Channel.EMAIL, "status": Status.SENT, "reduced_at": time, **fields}
        written = Message.objects.create(to=["ann@example.com"], created_at=time, **values)
        MessageEvent.objects.create(message=written, type="sent")
        WebhookDelivery.objects.create(message=written, created_at=time)
        return written

    return write


def attach(message, file="attachments/x"):
    name = attachments.storage.save(file, b"x") if file else ""
    Attachment.objects.create(message=message, filename="a.pdf", content_type="application/pdf", size=1, file=name)


def months_of(model):
    return [one.name.removeprefix(f"{model._meta.db_table}_") for one in partitions.of(model)]


@pytest.mark.postgres
def test_a_month_of_messages_goes_with_the_partitions_of_all_tables(of_months, monkeypatch, settings):
    old, of_june, of_july = of_months(1), of_months(6), of_months(7)
    attach(of_june)
    attach(of_june, file="")
    kept = of_months(7, day=31)
    assert list(doctor.message_partitions()) == []
    monkeypatch.setattr(timezone, "now", lambda: datetime(2031, 9, 15, tzinfo=UTC))
    late = [
        f"The table {model._meta.db_table} has no partition for September 2031 and Oct" for model in retention.BY_MONTH
    ]
    assert [problem.text[: len(text)] for problem, text in zip(doctor.message_partitions(), late, strict=True)] == late
    removed = retention.forget().removed
    assert (removed, set(Message.objects.all())) == (1, {of_july, kept})  # July is removed as a whole, later
    assert old.pk not in Message.objects.values_list("pk", flat=True)
    for model in retention.BY_MONTH:
        assert months_of(model) == ["2031_07", "2031_08", "2031_09", "2031_10", "2031_11", "2031_12", "default"]
        assert model.objects.count() == 2
    assert not Attachment.objects.exists()
    assert not StoredFile.objects.exists()


@pytest.mark.postgres
def test_a_month_stays_while_a_file_of_it_cannot_be_removed(of_months, monkeypatch):
    of_june = of_months(6)
    attach(of_june)
    monkeypatch.setattr(timezone, "now", lambda: datetime(2031, 9, 15, tzinfo=UTC))
    with monkeypatch.context() as patch:
        patch.setattr(attachments.storage, "delete", Mock(side_effect=OSError))
        retention.forget()
    assert (Message.objects.get(), StoredFile.objects.count()) == (of_june, 1)
    retention.forget()
    assert not Message.objects.exists()
    assert not StoredFile.objects.exists()


@pytest.mark.postgres
def test_what_belongs_to_a_waiting_message_of_no_month_stays(of_months, monkeypatch):
    """Messages of June are in the default partition, because its own was missing; one of May keeps that month."""
    of_months(5, status=Status.QUEUED)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE notifications_message_2031_06")
    waiting, sent = of_months(6, status=Status.QUEUED), of_months(6)
    monkeypatch.setattr(timezone, "now", lambda: datetime(2031, 10, 15, tzinfo=UTC))
    retention.forget()
    assert not Message.objects.filter(pk=sent.pk).exists()
    assert [waiting.events.count(), waiting.webhook.created_at] == [1, waiting.created_at]
    assert months_of(MessageEvent)[:2] == ["2031_05", "2031_06"]


@pytest.mark.postgres
@pytest.mark.parametrize(
    "unfinished", [{"status": Status.QUEUED}, {"status": Status.FAILED, "reduced_at": None, "payload": "x"}]
)
def test_a_month_with_an_unfinished_message_loses_the_others(of_months, monkeypatch, settings, unfinished):
    settings.MESSAGES_REDUCED_AFTER_DAYS = 365
    others, waiting, later = [of_months(6), of_months(6, day=30)], of_months(6, **unfinished), of_months(7)
    monkeypatch.setattr(timezone, "now", lambda: datetime(2031, 10, 15, tzinfo=UTC))
    done = retention.forget()
    remaining = {waiting} if waiting.status == Status.QUEUED else set()
    assert done.removed == len(others) + 1 - len(remaining)
    assert set(Message.objects.all()) == remaining
    assert months_of(Message)[0] == "2031_06"
    assert "2031_07" not in months_of(Message)
    assert later not in Message.objects.all()
    assert {event.message_id for event in MessageEvent.objects.filter(message__isnull=False)} == {
        message.pk for message in remaining
    }
    Message.objects.all().update(status=Status.CANCELLED, reduced_at=timezone.now())
    retention.forget()
    for model in retention.BY_MONTH:
        assert months_of(model)[0] == "2031_08"
        assert not model.objects.exists()


def test_search_texts_go_with_their_messages():
    message(400)
    retention.forget()
    assert not SearchText.objects.exists()
