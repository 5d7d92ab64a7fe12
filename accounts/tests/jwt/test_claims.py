"""What access tokens tell other services: claims of TOKEN_CLAIMS and receivers, and how the user authenticated."""

import time

import jwt
import pyotp
import pytest
from structlog.testing import capture_logs

from accounts import signals
from accounts.models import Session, TOTPDevice, User
from accounts.services.jwt import claims
from accounts.services.login import password as password_login
from accounts.states import AuthenticationMethod as Amr
from conftest import PASSWORD
from foodfleet.core.http.clients import Client
from rbac.models import Role
from rbac.services import assignments

pytestmark = pytest.mark.django_db

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
LOGIN, REFRESH = "/api/v1/auth/login/", "/api/v1/auth/refresh/"


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def refreshed(api, tokens):
    return claims_of(api.post(REFRESH, {"refresh": tokens["refresh"]}).json()["access"])


@pytest.fixture
def app(user):
    return TOTPDevice.objects.create(user=user, secret=TOTPDevice.encrypt_secret(SECRET), confirmed_at=user.created_at)


def test_a_password_alone_is_one_factor_after_refresh_too(api, user, sign_in):
    tokens = sign_in()
    for found in (claims_of(tokens["access"]), refreshed(api, tokens)):
        assert (found["amr"], found["acr"]) == (["pwd"], "aal1")
        assert abs(found["auth_time"] - time.time()) < 60


def test_password_and_code_are_two_factors_after_refresh_too(api, user, app):
    challenge = api.post(LOGIN, {"email": user.email, "password": PASSWORD}).json()["challenge"]
    answer = {"challenge": challenge, "method": "totp", "code": pyotp.TOTP(SECRET).now()}
    tokens = api.post("/api/v1/auth/login/verify/", answer).json()
    for found in (claims_of(tokens["access"]), refreshed(api, tokens)):
        assert (found["amr"], found["acr"]) == (["pwd", "otp", "mfa"], "aal2")


@pytest.mark.parametrize("key", [Amr.HARDWARE_KEY, Amr.SOFTWARE_KEY])
def test_a_passkey_alone_is_two_factors(user, key):
    signed_in = password_login.complete(user=user, client=Client(), amr=(key, Amr.MULTIPLE))
    found = claims_of(signed_in.tokens.access)
    assert (found["amr"], found["acr"]) == ([key, "mfa"], "aal2")


def test_re_authentication_is_told_by_the_next_refresh(api, user, sign_in):
    tokens = sign_in()
    before = claims_of(tokens["access"])
    old = Session.objects.get().created_at.replace(year=2020)
    Session.objects.update(reauthenticated_at=old, amr="")
    Session.objects.update(created_at=old)
    tokens = api.post(REFRESH, {"refresh": tokens["refresh"]}).json()
    stale = claims_of(tokens["access"])
    assert "amr" not in stale
    assert stale["auth_time"] == int(old.timestamp())
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    api.post("/api/v1/auth/2fa/setup/", {"password": PASSWORD})
    found = refreshed(api, tokens)
    assert found["amr"] == ["pwd"]
    assert found["auth_time"] >= before["auth_time"]


@pytest.fixture
def described(settings, user):
    settings.USER_ATTRIBUTES = {
        "properties": {"shift": {"type": "string"}, "legacy_id": {"type": "string", "x-visible": "hidden"}}
    }
    settings.TOKEN_CLAIMS = {
        "shift": "attributes.shift", "old_id": "attributes.legacy_id", "given_name": "first_name", "roles": "roles",
        "scopes": "roles_by_scope", "email_verified": "email_verified", "family_name": "last_name",
    }  # fmt: skip
    User.objects.filter(pk=user.pk).update(attributes={"shift": "night", "legacy_id": "x"}, first_name="Ann")
    for name, scope in (("Driver", ""), ("Dispatcher", "fleet:12")):
        assignments.grant(actor=None, user=user, role=Role.objects.get(name=name), scope=scope)
    return user


def test_attributes_fields_and_roles_become_claims(api, described, sign_in):
    tokens = sign_in()
    expected = {
        "shift": "night", "old_id": "x", "given_name": "Ann", "roles": ["Driver"], "email_verified": True,
        "scopes": {"": ["Driver"], "fleet:12": ["Dispatcher"]},
    }  # fmt: skip
    found = claims_of(tokens["access"])
    assert found.items() >= expected.items()
    assert "family_name" not in found
    User.objects.filter(pk=described.pk).update(attributes={"shift": "day"})
    assert refreshed(api, tokens)["shift"] == "day"
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    assert api.get("/api/v1/users/me/").status_code == 200
    assert "shift" not in claims_of(tokens["refresh"])


@pytest.fixture
def receiver():
    connected = []

    def connect(answer):
        def give(**kwargs):
            return answer

        signals.token_claims_requested.connect(give)
        connected.append(give)

    yield connect
    for give in connected:
        signals.token_claims_requested.disconnect(give)


def test_receivers_add_claims(receiver, user, sign_in):
    receiver({"tenant": 7})
    receiver(None)
    assert claims_of(sign_in()["access"])["tenant"] == 7


def test_receivers_cannot_set_reserved_claims(receiver, user, api):
    receiver({"sub": "1"})
    assert api.post(LOGIN, {"email": user.email, "password": PASSWORD}).status_code == 500


def test_too_large_claims_are_left_out_and_logged(receiver, user, sign_in):
    receiver({"essay": "x" * claims.MAX_BYTES})
    with capture_logs() as lines:
        found = claims_of(sign_in()["access"])
    assert "essay" not in found
    assert found["amr"] == ["pwd"]
    assert [line["claims"] for line in lines if line["event"] == "token_claims_too_large"] == [["essay"]]


@pytest.mark.once
@pytest.mark.parametrize("mapping", [{name: "roles"} for name in sorted(claims.RESERVED)])
def test_reserved_claims_are_refused_at_the_start(settings, mapping):
    settings.TOKEN_CLAIMS = mapping
    with pytest.raises(SystemExit, match=r"must be a name other than acr, act, .*, sub, type"):
        claims.ensure_valid()


@pytest.mark.once
@pytest.mark.parametrize("source", ["password", "attributes.nonsense", "", 5, None, ["roles"], {}])
def test_unknown_sources_are_refused_at_the_start(settings, source):
    settings.TOKEN_CLAIMS = {"x": source}
    with pytest.raises(SystemExit, match="must be one of"):
        claims.ensure_valid()
