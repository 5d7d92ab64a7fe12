"""Fixtures of the tests of accounts."""

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import signals
from accounts.models import BackupCode, TOTPDevice, backup_codes
from accounts.tests.authenticator import Authenticator
from accounts.tests.authenticator_app import app_code
from accounts.tests.scenarios import Actions
from conftest import PASSWORD, bearer
from rbac.models import Role, resource_permissions
from rbac.services import assignments

APP_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


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


@pytest.fixture
def add_passkey(api):
    """Add a passkey for whom the tokens belong to; answers the call's response."""

    def call(tokens, authenticator, name="My phone", **requested):
        answer = api.post("/api/v1/auth/passkeys/options/", headers=bearer(tokens))
        assert answer.status_code == 200, answer.content
        challenge = answer.json()
        body = {
            "challenge": challenge["challenge"],
            "credential": authenticator.create(challenge["options"]),
            "name": name,
        }
        return api.post("/api/v1/auth/passkeys/", {**body, **requested}, headers=bearer(tokens))

    return call


@pytest.fixture
def with_passkey(user, sign_in, add_passkey):
    """Ann has a passkey; answers her authenticator and the tokens of the session in which it was added."""

    def call(authenticator=None, **requested):
        authenticator = authenticator or Authenticator()
        tokens = sign_in()
        assert add_passkey(tokens, authenticator, **requested).status_code == 201
        return authenticator, tokens

    return call


@pytest.fixture
def answer_with_passkey(api):
    """Answer a sign-in's challenge with a passkey."""

    def call(challenge, credential):
        body = {"challenge": challenge["challenge"], "method": "passkey", "code": credential}
        return api.post("/api/v1/auth/login/verify/", body)

    return call


@pytest.fixture
def sign_in_alone(api):
    """Sign in with nothing but a passkey."""

    def call(authenticator, **kwargs):
        challenge = api.post("/api/v1/auth/login/passkey/").json()
        credential = authenticator.get(challenge["options"], **kwargs)
        body = {"challenge": challenge["challenge"], "credential": credential}
        return api.post("/api/v1/auth/login/passkey/verify/", body)

    return call


@pytest.fixture
def protected(user):
    """Ann, with an authenticator app of APP_SECRET and ten backup codes."""
    codes = backup_codes.generate_codes()
    TOTPDevice.objects.create(user=user, secret=TOTPDevice.encrypt_secret(APP_SECRET), confirmed_at=timezone.now())
    BackupCode.objects.bulk_create([BackupCode(user=user, hash=stored) for stored in backup_codes.hash_codes(codes)])
    user.spare_codes = codes
    return user


@pytest.fixture
def caller(api, make_user, sign_in):
    """Sign somebody in who holds the given codenames; answers a client that speaks as them."""

    def make(*codenames, email="staff@example.com", **fields):
        user = make_user(email, **fields)
        if codenames:
            give(user, *codenames)
        tokens = sign_in(email=email)
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
        client.user = user
        return client

    return make


def give(user, *codenames, role="Staff of tests"):
    """Give a user a role with exactly these codenames; return the role."""
    assignment, _ = Role.objects.get_or_create(name=role)
    wanted = resource_permissions().filter(codename__in=codenames)
    assert wanted.count() == len(codenames), codenames
    assignment.permissions.set(wanted)
    assignments.grant(actor=None, user=user, role=assignment)
    return assignment


@pytest.fixture
def boss(caller):
    """A superuser."""
    return caller(email="boss@example.com", is_superuser=True, is_staff=True)
