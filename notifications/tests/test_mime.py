"""Mails as they are written for Amazon."""

import pytest
from django.core.mail import EmailMessage
from hypothesis import given
from hypothesis import strategies as some

from notifications.gateways import ses
from notifications.gateways.email import Email, EmailFile, to_django
from notifications.services.compose.email import LONGEST_SUBJECT

pytestmark = pytest.mark.once

HEADERS = {"Message-ID": "<1@example.com>", "Date": "Tue, 24 Nov 2026 10:00:00 -0000"}
WORDS = some.text(some.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=120)


@given(subject=WORDS | some.text("ab ", min_size=60, max_size=90), to=some.integers(1, 9))
def test_a_header_is_written_as_python_writes_it(subject, to):
    recipients = [f"somebody{number}@example.com" for number in range(to)]
    message = EmailMessage(subject, "Hello", "from@example.com", recipients, headers=HEADERS)
    assert ses._written(message) == message.message().as_bytes(linesep="\r\n")


def test_the_link_to_unsubscribe_stands_in_one_line():
    link = f"<https://foodfleet.example/unsubscribe/{'a' * 200}/>"
    message = EmailMessage("Hello", "Hello", "from@example.com", ["to@example.com"], headers={"List-Unsubscribe": link})
    assert f"\r\nList-Unsubscribe: {link}\r\n".encode() in ses._written(message)


@pytest.mark.parametrize("name", ["x" * 255, '"' * 255, "ü" * 127, "漢" * 85])
def test_no_line_is_longer_than_a_mail_server_takes(name):
    file = EmailFile(name, "text/plain", b"x" * 5000)
    mail = Email(to=("to@example.com",), subject="x" * LONGEST_SUBJECT, text="x" * 5000, files=(file,))
    lines = ses._written(to_django(mail)).split(b"\r\n")
    assert max(map(len, lines)) <= 998
