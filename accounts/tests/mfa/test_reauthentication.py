"""Security settings need an authentication in this session in the last ten minutes."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Passkey, Session, TOTPDevice
from accounts.tests.conftest import bearer
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "Another-Grill-2027!"


def test_a_passkey_re_authenticates_after_ten_minutes(api, with_passkey, sign_in, answer_with_passkey):
    authenticator, tokens = with_passkey()
    Session.objects.update(reauthenticated_at=timezone.now() - timedelta(minutes=10, seconds=1))
    stale = api.post("/api/v1/auth/passkeys/options/", headers=bearer(tokens))
    assert (stale.status_code, stale.json()["code"]) == (403, "fresh_proof_required")
    pk = Passkey.objects.get().pk
    assert api.delete(f"/api/v1/auth/passkeys/{pk}/", headers=bearer(tokens)).status_code == 403
    with_password = api.post("/api/v1/auth/proof/", {"password": PASSWORD}, headers=bearer(tokens))
    assert with_password.status_code == 401  # MFA is on: the password is not enough
    challenge = api.post("/api/v1/auth/proof/passkey/", headers=bearer(tokens)).json()
    body = {"challenge": challenge["challenge"], "credential": authenticator.get(challenge["options"])}
    assert api.post("/api/v1/auth/proof/passkey/verify/", body, headers=bearer(tokens)).status_code == 204
    assert api.post("/api/v1/auth/passkeys/options/", headers=bearer(tokens)).status_code == 200


def test_proof_given_in_one_session_is_none_in_another(api, with_passkey, sign_in, answer_with_passkey):
    authenticator, first = with_passkey()
    challenge = sign_in()
    second = answer_with_passkey(challenge, authenticator.get(challenge["passkey_options"])).json()
    Session.objects.update(reauthenticated_at=None)
    challenge = api.post("/api/v1/auth/proof/passkey/", headers=bearer(first)).json()
    body = {"challenge": challenge["challenge"], "credential": authenticator.get(challenge["options"])}
    assert api.post("/api/v1/auth/proof/passkey/verify/", body, headers=bearer(first)).status_code == 204
    assert api.post("/api/v1/auth/passkeys/options/", headers=bearer(first)).status_code == 200
    assert api.post("/api/v1/auth/passkeys/options/", headers=bearer(second)).status_code == 403


def enable_app(user):
    secret = TOTPDevice.encrypt_secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    TOTPDevice.objects.create(user=user, secret=secret, confirmed_at=timezone.now())


CALLS = {
    "/api/v1/auth/email/change/": ({"email": "new@example.com", "password": PASSWORD}, 202),
    "/api/v1/auth/password/change/": ({"current_password": PASSWORD, "new_password": NEW}, 204),
}


@pytest.mark.parametrize("call", CALLS)
def test_with_mfa_the_api_requires_re_authentication(api, user, sign_in, call):
    tokens = sign_in()
    body, done = CALLS[call]
    enable_app(user)
    Session.objects.update(reauthenticated_at=timezone.now() - timedelta(minutes=11))
    refused = api.post(call, body, headers=bearer(tokens))
    assert (refused.status_code, refused.json()["code"]) == (403, "fresh_proof_required")
    Session.objects.update(reauthenticated_at=timezone.now())
    assert api.post(call, body, headers=bearer(tokens)).status_code == done


@pytest.mark.parametrize("call", CALLS)
def test_without_mfa_the_password_is_enough_in_an_old_session(api, user, sign_in, call):
    tokens = sign_in()
    body, done = CALLS[call]
    Session.objects.update(reauthenticated_at=None)
    assert api.post(call, body, headers=bearer(tokens)).status_code == done
