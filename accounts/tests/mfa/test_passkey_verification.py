"""A passkey answers a challenge once, and only for its owner."""

import json

import pytest

from accounts.models import Passkey, SecurityEvent
from accounts.tests.authenticator import Authenticator, to_text

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_passkey_completes_mfa(sign_in, with_passkey, answer_with_passkey):
    authenticator, _ = with_passkey()
    challenge = sign_in()
    assert challenge["methods"] == ["backup_code", "passkey"]
    assert [known["id"] for known in challenge["passkey_options"]["allowCredentials"]] == [
        to_text(authenticator.credential_id)
    ]
    signed_in = answer_with_passkey(challenge, authenticator.get(challenge["passkey_options"]))
    assert signed_in.status_code == 200, signed_in.content
    assert "access" in signed_in.json()
    as_text = sign_in()
    assert answer_with_passkey(as_text, json.dumps(authenticator.get(as_text["passkey_options"]))).status_code == 200
    assert Passkey.objects.get().sign_count == 3
    assert Passkey.objects.get().last_used_at is not None


def test_an_answer_serves_one_challenge_once(sign_in, with_passkey, answer_with_passkey):
    authenticator, _ = with_passkey(Authenticator(counting=False))
    challenge, other = sign_in(), sign_in()
    credential = authenticator.get(challenge["passkey_options"])
    assert answer_with_passkey(other, credential).status_code == 401
    assert answer_with_passkey(challenge, credential).status_code == 200
    assert answer_with_passkey(challenge, credential).status_code == 401


def test_a_counter_that_goes_back_is_refused_and_written_down(sign_in, with_passkey, answer_with_passkey):
    authenticator, _ = with_passkey()
    challenge = sign_in()
    assert answer_with_passkey(challenge, authenticator.get(challenge["passkey_options"])).status_code == 200
    authenticator.count = 0  # a copy of the key, made before
    challenge = sign_in()
    refused = answer_with_passkey(challenge, authenticator.get(challenge["passkey_options"]))
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_2fa_code")
    assert SecurityEvent.objects.filter(kind="passkey_copied").count() == 1


def test_another_persons_user_handle_is_refused(with_passkey, sign_in_alone):
    authenticator, _ = with_passkey(passwordless=True)
    authenticator.user_handle = to_text(b"somebody else")
    assert sign_in_alone(authenticator).status_code == 401


def test_a_sign_in_without_a_user_needs_the_user_handle_of_the_passkey(
    sign_in, with_passkey, answer_with_passkey, sign_in_alone
):
    authenticator, _ = with_passkey(passwordless=True)
    for handle in (None, "", to_text(b"somebody else")):
        authenticator.user_handle = handle
        assert sign_in_alone(authenticator).status_code == 401
    challenge = sign_in()  # known by the password: browsers need not say it again
    assert (
        answer_with_passkey(challenge, authenticator.get(challenge["passkey_options"], user_handle=False)).status_code
        == 200
    )
