"""Text from outside is storable, and contains no secrets of messages."""

import pytest

from notifications.services.untrusted_text import redact, storable

pytestmark = pytest.mark.once


@pytest.mark.parametrize(("value", "stored"), [
    ("bounced", "bounced"), ("a\x00b", "a\ufffdb"), ("a\ud800b", "a\ufffd\ufffd\ufffdb"), (550, "550"), ("ä" * 9, "ä" * 8),
])  # fmt: skip
def test_text_is_storable_and_cut(value, stored):
    assert storable(value, 8) == stored


@pytest.mark.parametrize("secret", ["123456", "x" * 43], ids=["code", "token"])
@pytest.mark.parametrize("around", ["code {}.", "https://fleet.example/reset/{}/", "https%3A%2F%2Ffleet.example%2F{}"])
def test_codes_tokens_and_paths_are_removed(secret, around):
    redacted = redact(around.format(secret))
    assert secret not in redacted
    assert "…" in redacted


def test_hosts_and_other_numbers_remain():
    assert (
        redact("550 5.1.1 see https://fleet.example/a?b=1 (12345678)")
        == "550 5.1.1 see https://fleet.example/… (12345678)"
    )
