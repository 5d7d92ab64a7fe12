"""Mails as they are written for Amazon."""

import pytest
from django.core.mail import EmailMessage
from hypothesis import given
from hypothesis import strategies as some

from notifications.gateways import ses

pytestmark = pytest.mark.once

HEADERS = {"Message-ID": "<1@example.com>", "Date": "Tue, 24 Nov 2026 10:00:00 -0000"}
WORDS = some.text(some.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=120)


@given(subject=WORDS | some.text("ab ", min_size=60, max_size=90), to=some.integers(1, 9))
def test_a_header_is_written_as_python_writes_it(subject, to):
    recipients = [f"somebody{number}@example.com" for number in range(to)]
    message = EmailMessage(subject, "Hello", "from@example.com", recipients, headers=HEADERS)
    assert ses._written(message) == message.message().as_bytes(linesep="\r\n")
