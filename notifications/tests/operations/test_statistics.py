"""The database groups messages by the same causes as the sentences on their pages."""

import pytest

from notifications.models import Message
from notifications.services.operations.failures import FAILURES, explain, with_cause
from notifications.states import Channel, Status

pytestmark = pytest.mark.django_db
REASONS = (
    "", "It may have been sent.", "Amazon refused the account or the region.", "An attachment is not in the storage.",
    "Internal error: ValueError.", "Amazon: Throttling.", "The mail server refused every recipient (550).",
    "The receiver answered 410.", "550 5.1.1 unknown user", "Not sent before it expired.", "internal error",
)  # fmt: skip


def test_the_database_finds_the_cause_that_the_page_of_a_message_tells():
    Message.objects.bulk_create(
        Message(channel=Channel.EMAIL, to=["a@example.com"], status=status, last_error=reason)
        for status in set(Status) - {Status.SENDING}
        for reason in REASONS
    )
    found = {message.pk: message.cause for message in with_cause(Message.objects.all())}
    explained = {message.pk: explain(message) for message in Message.objects.all()}
    assert found == {pk: failure.code if failure else "" for pk, failure in explained.items()}
    assert len(set(found.values())) > len(FAILURES) / 2
