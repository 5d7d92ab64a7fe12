"""The move of messages to partitions by month, with all that belongs to them."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, NotSupportedError, connection, transaction
from django.utils import timezone

from foodfleet.core.database import partitions
from notifications.models import Message, MessageEvent, SearchText, WebhookDelivery
from notifications.services.compose.email import send_email
from notifications.services.operations import messages as operations
from notifications.services.operations.retention import BY_MONTH
from notifications.states import Channel, Status
from notifications.tests.delivery.dispatching import dispatch_recorded

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def ask(query, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def old_message(days, **fields):
    created = timezone.now() - timedelta(days=days)
    return Message.objects.create(
        channel=Channel.EMAIL, to=["ann@example.com"], subject=f"Day {days}", created_at=created, **fields
    )


@pytest.fixture
def plain(message_partitions):
    """The tables before the migration, with messages of a year and what belongs to them."""
    message_partitions.merge()
    for days in range(0, 360, 30):
        message = old_message(days, status=Status.SENT)
        MessageEvent.objects.create(message=message, type="sent", source_id=f"report {days}")
    webhook = old_message(3, status=Status.SENT)
    WebhookDelivery.objects.create(message=webhook, created_at=webhook.created_at)
    return message_partitions


def rows():
    return [set(map(str, model.objects.values_list())) for model in BY_MONTH]


def definitions():
    """The names of the columns, indexes, constraints and triggers of each table."""
    queries = (
        "SELECT attname, attnotnull, atthasdef FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
        "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = %s::regclass",
        "SELECT conname, contype FROM pg_constraint WHERE conrelid = %s::regclass",
        "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal",
    )
    tables = [model._meta.db_table for model in BY_MONTH]
    return [sorted(ask(query, table)) for table in tables for query in queries]


def test_messages_in_use_are_partitioned_with_what_belongs_to_them(plain, user):
    before, defined, sent, errors, over = rows(), definitions(), [], [], threading.Event()

    def send():
        try:
            while not over.is_set():
                sent.append(send_email(to=["bob@example.com"], subject="Hello", text="x").pk)
                dispatch_recorded()
        except DatabaseError as error:
            errors.append(error)
        finally:
            connection.close()

    sender = threading.Thread(target=send)
    sender.start()
    try:
        plain.partition()
    finally:
        over.set()
        sender.join()
    assert errors == []
    assert all(partitions.of(model)[0].name == f"{model._meta.db_table}_before" for model in BY_MONTH)
    assert all(old <= new for old, new in zip(before, rows(), strict=True))
    assert sent
    assert Message.objects.filter(status=Status.SENT, pk__in=sent).count() == len(sent)
    assert definitions() == defined
    after = rows()
    plain.merge()
    assert (rows(), definitions()) == (after, defined)


def test_a_message_of_each_month_is_found_changed_and_deleted(message_partitions):
    for month in (5, 7, 12):
        partitions.make_ahead(Message, datetime(2031, month, 1, tzinfo=UTC))
    stored = []
    for number, time in enumerate(
        [datetime(2020, 1, 1, tzinfo=UTC), datetime(2031, 7, 31, 23, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)]
    ):
        message = Message.objects.create(channel=Channel.EMAIL, to=[f"ann{number}@example.com"], created_at=time)
        MessageEvent.objects.create(message=message, type="sent")
        stored.append(message)
    query = "SELECT tableoid::regclass::text FROM notifications_message ORDER BY created_at"
    assert [name.rpartition("message_")[2] for (name,) in ask(query)] == ["before", "2031_07", "default"]
    for number, message in enumerate(stored):
        assert list(Message.objects.search(f"ann{number}@example.com")) == [message]
        Message.objects.filter(pk=message.pk).update(subject="Invoice")
        assert operations.find(str(message.pk)).subject == "Invoice"
        assert SearchText.objects.get(message=message.pk).text.endswith("invoice ")
        assert message.events.get().message_created_at == message.created_at
    assert Message.objects.search("invoice").count() == 3
    Message.objects.all().delete()
    assert rows() == [set()] * 4


def test_an_account_that_does_not_exist_has_no_messages(message_partitions, user):
    partitions.make_ahead(Message, timezone.now() + timedelta(days=99))
    with pytest.raises(IntegrityError):
        old_message(-99, user_id=user.pk + 1)
    mine = old_message(-99, user=user)
    user.delete()
    mine.refresh_from_db()
    assert mine.user is None


def test_the_same_report_counts_once_in_each_partition():
    for days in (0, 400):
        message = old_message(days)
        MessageEvent.objects.create(message=message, type="sent", source_id="report")
        with pytest.raises(IntegrityError), transaction.atomic():
            MessageEvent.objects.create(message=message, type="sent", source_id="report")


def test_an_interrupted_build_of_a_unique_index_is_repeated(plain):
    def interrupt(execute, sql, parameters, many, context):
        if "CREATE UNIQUE INDEX" in sql and "notifications_event_once" in sql:
            raise KeyboardInterrupt
        return execute(sql, parameters, many, context)

    defined = definitions()
    with pytest.raises(KeyboardInterrupt), connection.execute_wrapper(interrupt):
        plain.partition()
    with pytest.raises(KeyboardInterrupt), connection.execute_wrapper(interrupt):
        plain.partition()
    plain.partition()
    plain.partition()
    assert definitions() == defined


def test_a_table_that_foreign_keys_refer_to_is_not_partitioned(plain):
    constraint = "ADD CONSTRAINT test_refers FOREIGN KEY (message_id) REFERENCES notifications_message"
    execute(f"ALTER TABLE notifications_attachment {constraint}")
    try:
        with pytest.raises(NotSupportedError, match="test_refers of notifications_attachment"):
            plain.partition()
    finally:
        execute("ALTER TABLE notifications_attachment DROP CONSTRAINT test_refers")


def test_a_search_text_is_emptied_though_the_clocks_differed():
    message = old_message(0)
    SearchText.objects.filter(message=message.pk).update(message_created_at=message.created_at - timedelta(seconds=3))
    Message.objects.filter(pk=message.pk).update(to=[], subject="")
    assert SearchText.objects.get(message=message.pk).text == "[]  "


def test_partitions_belong_to_the_owner_of_the_table(plain):
    execute("CREATE ROLE test_owner; ALTER TABLE notifications_message OWNER TO test_owner")
    try:
        plain.partition()
        owners = "SELECT relname, relowner::regrole::text FROM pg_class WHERE relname LIKE 'notifications_message\\_%%' AND relkind IN ('r', 'p')"
        assert {owner for name, owner in ask(f"{owners} OR relname = 'notifications_message'")} == {"test_owner"}
        plain.merge()
        assert ask("SELECT relowner::regrole::text FROM pg_class WHERE relname = 'notifications_message'") == [
            ("test_owner",)
        ]
    finally:
        execute("REASSIGN OWNED BY test_owner TO CURRENT_USER; DROP ROLE test_owner")
