"""Fixtures for every app's tests, beside those of foodfleet.testing."""

import re
import threading
import time
from collections.abc import Callable

import pytest
from django.core import mail

from accounts.services.jwt import keyring
from foodfleet.testing import PASSWORD

__all__ = ["PASSWORD"]
pytest_plugins = [
    "foodfleet.testing.fixtures", "foodfleet.tests.chromium", "foodfleet.tests.databases",
    "foodfleet.tests.described_answers",
]  # fmt: skip


def bearer(tokens: dict[str, str]) -> dict[str, str]:
    """Return the header that sends the access token of a sign-in."""
    return {"Authorization": f"Bearer {tokens['access']}"}


@pytest.fixture(autouse=True)
def _own_keys() -> None:
    """Read the signing keys anew: those of an earlier test are gone with its transaction."""
    keyring.forget()


@pytest.fixture
def link_token() -> Callable[..., str]:
    """The token in the newest mail's link to a page such as `/email/verify/`."""

    def look(path: str, to: str | None) -> str | None:
        for message in reversed(mail.outbox):
            if to is None or to in message.to:
                found = re.search(rf"{re.escape(path)}([A-Za-z0-9_-]+)/", str(message.body))
                if found:
                    return found[1]
        return None

    def find(path: str, to: str | None = None) -> str:
        until = time.monotonic() + 10  # a server in a thread of its own mails after it answered
        while True:
            found = look(path, to)
            if found:
                return found
            if threading.active_count() == 1 or time.monotonic() > until:
                raise AssertionError(f"no mail with a link to {path}")
            time.sleep(0.05)

    return find
