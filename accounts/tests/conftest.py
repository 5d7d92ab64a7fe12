"""Fixtures of the tests of accounts."""

import pytest

from accounts import signals
from accounts.tests.authenticator_app import app_code
from accounts.tests.scenarios import Actions
from conftest import PASSWORD


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


def bearer(tokens):
    return {"Authorization": f"Bearer {tokens['access']}"}


@pytest.fixture
def enable(api, user, sign_in):
    """Enable MFA for Ann; return the secret, the backup codes and the session's tokens."""

    def call(**who):
        tokens = sign_in(**who)
        setup = api.post("/api/v1/auth/2fa/setup/", {"password": PASSWORD}, headers=bearer(tokens)).json()
        code = app_code(setup["secret"], -1)
        verified = api.post("/api/v1/auth/2fa/verify/", {"code": code}, headers=bearer(tokens))
        assert verified.status_code == 200, verified.content
        return setup["secret"], verified.json()["backup_codes"], tokens

    return call


@pytest.fixture
def challenge(api):
    """Sign in with the password alone; answers the challenge."""

    def call(email="ann@example.com"):
        response = api.post("/api/v1/auth/login/", {"email": email, "password": PASSWORD})
        assert response.status_code == 200, response.content
        return response.json()["challenge"]

    return call


@pytest.fixture
def verify(api):
    """Answer a challenge."""

    def call(challenge, code, method="totp", **more):
        return api.post("/api/v1/auth/login/verify/", {"challenge": challenge, "method": method, "code": code, **more})

    return call
