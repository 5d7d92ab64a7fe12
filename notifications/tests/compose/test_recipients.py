"""Addresses of recipients are checked, and each mailbox gets one copy."""

import pytest

from foodfleet.core.exceptions import ValidationException
from notifications.services.compose import recipients
from notifications.services.compose.email import send_email

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "to",
    [
        "", "ann", "ann@", "@example.com", "ann@example.com, bob@example.com", "jürgen@example.com", "a b@example.com",
        f"ann@{'ü' * 60}.example", f"ann@{'.'.join(['abcdefghi'] * 30)}.example", f"ann@{'.'.join(['üüüüüü'] * 20)}.example",
    ],
)  # fmt: skip
def test_invalid_email_address_is_refused(to):
    with pytest.raises(ValidationException) as refused:
        send_email(to=[to], subject="x", text="x")
    assert list(refused.value.details) == ["to"]


@pytest.mark.parametrize("to", ["ann@example.com", "Ann Müller <ann@bücher.example>", '"Ann, Esq." <ann@example.com>'])
def test_address_may_have_a_name_and_an_idn_domain(to):
    assert send_email(to=[to], subject="x", text="x").to == [to]


@pytest.mark.parametrize(
    "address",
    ["a..b@example.com", ".a@example.com", "a@-x.example", "a@example", "a@x..example", f"{'a' * 65}@example.com"],
)
def test_invalid_address_that_looks_plain_is_refused(address):
    with pytest.raises(ValidationException):
        recipients.emails([address], "to")
