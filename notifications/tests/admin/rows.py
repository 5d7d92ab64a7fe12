"""Rows for the tests of the admin of messages."""

from notifications.models import Message
from notifications.services.compose import writing
from notifications.states import Channel, Status

# An override of an e-mail, as its form and its service take it.
EMAIL = {
    "template": "welcome",
    "subject": "Hi {{ first_name }}",
    "html": '<a href="{{ link }}">x</a>',
    "text": "{{ link }}",
}


def failed(number=1, **fields):
    """Create failed messages that can be sent again, unless the fields say otherwise."""
    values = {
        "channel": Channel.EMAIL,
        "status": Status.FAILED,
        "payload": writing.encrypt_content({"text": "Hello", "subject": "x", "html": ""}),
        "to": ["ann@example.com"],
        **fields,
    }
    return Message.objects.bulk_create(Message(**values) for _ in range(number))
