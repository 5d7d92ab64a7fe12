"""E-mails in MIME, as sent to Amazon."""

import pytest
from django_ses import get_message_bytes

from notifications.gateways.email import Email, EmailFile, to_django
from notifications.services.compose.email import LONGEST_SUBJECT

pytestmark = pytest.mark.once


@pytest.mark.parametrize("name", ["x" * 255, '"' * 255, "ü" * 127, "漢" * 85])
def test_no_line_is_longer_than_a_mail_server_takes(name):
    file = EmailFile(name, "text/plain", b"x" * 5000)
    mail = Email(to=("to@example.com",), subject="x" * LONGEST_SUBJECT, text="x" * 5000, files=(file,))
    lines = get_message_bytes(to_django(mail)).split(b"\r\n")
    assert max(map(len, lines)) <= 998
