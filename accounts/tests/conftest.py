"""Fixtures of the tests of accounts."""

import pytest

from accounts import signals
from accounts.tests.scenarios import Actions


@pytest.fixture
def actions(user, make_user, link_token):
    made = Actions(user, make_user("boss@example.com", is_superuser=True, is_staff=True), link_token)

    def remember(code, **kwargs):
        made.sms_codes.append(code)

    for signal in (signals.phone_code_requested, signals.sms_code_requested):
        signal.connect(remember)
    yield made
    for signal in (signals.phone_code_requested, signals.sms_code_requested):
        signal.disconnect(remember)
