"""The CSV of messages tells what became of each, and who took it."""

import pytest

from accounts.models import SecurityEvent
from foodfleet.core.http.clients import Client
from notifications.models import Message
from notifications.services.operations import exports

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def rows_of(user, **filters):
    found = Message.objects.filter(**filters)
    made = exports.export(found=found, filters=["status", "channel"], actor=user, client=Client(ip="203.0.113.7"))
    return [dict(zip(exports.CSV_COLUMNS, row, strict=True)) for row in made]


def test_messages_are_exported_newest_first_with_their_cause(user):
    Message.objects.create(channel="email", to=["ann@example.com", "bob@example.com"], subject="Menu", status="sent")
    error = "This address is suppressed."
    Message.objects.create(channel="sms", to=["+4915112345678"], status="suppressed", last_error=error)
    newest, oldest = rows_of(user)
    assert (newest["channel"], newest["status"], newest["last_error"]) == ("sms", "suppressed", error)
    assert newest["cause"]
    assert (oldest["to"], oldest["subject"], oldest["cause"]) == ("ann@example.com bob@example.com", "Menu", None)


def test_an_export_has_the_found_messages_only_and_no_content(user):
    Message.objects.create(channel="email", to=["ann@example.com"], payload="ciphertext")
    Message.objects.create(channel="sms", to=["+4915112345678"])
    (row,) = rows_of(user, channel="email")
    assert "ciphertext" not in row.values()


def test_an_export_is_recorded_before_the_first_row_is_read(user):
    exports.export(found=Message.objects.all(), filters=["status", "channel"], actor=user, client=Client())
    event = SecurityEvent.objects.get(kind="messages_exported")
    assert (event.actor, event.details["filters"]) == (user, ["channel", "status"])
