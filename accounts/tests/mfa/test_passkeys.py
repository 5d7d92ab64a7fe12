"""Passkeys are added, listed, renamed and removed over the API."""

import pytest
from django.core import mail

from accounts.models import Passkey
from accounts.tests.authenticator import Authenticator
from conftest import bearer

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_first_passkey_enables_mfa_and_creates_backup_codes(api, user, sign_in, add_passkey):
    tokens = sign_in()
    added = add_passkey(tokens, Authenticator())
    assert added.status_code == 201
    assert len(added.json()["backup_codes"]) == 10
    status = api.get("/api/v1/auth/2fa/", headers=bearer(tokens)).json()
    assert status == {"enabled": True, "methods": ["backup_code", "passkey"], "backup_codes_remaining": 10}
    bodies = " ".join(str(message.body) for message in mail.outbox)
    assert "My phone" in bodies
    second = add_passkey(tokens, Authenticator(), name="Key ring")
    assert second.json()["backup_codes"] == []


# WebAuthn level 3, sections 7.1 and 7.2: each wrong step, in every ceremony


def test_passkeys_are_listed_renamed_and_removed(api, user, sign_in, with_passkey, add_passkey):
    _, tokens = with_passkey()
    add_passkey(tokens, Authenticator(), name="Key ring")
    listed = api.get("/api/v1/auth/passkeys/", headers=bearer(tokens)).json()["results"]
    assert [passkey["name"] for passkey in listed] == ["My phone", "Key ring"]
    first, second = (passkey["id"] for passkey in listed)
    renamed = api.patch(f"/api/v1/auth/passkeys/{first}/", {"name": "Old phone"}, headers=bearer(tokens))
    assert renamed.json()["name"] == "Old phone"
    assert api.delete(f"/api/v1/auth/passkeys/{first}/", headers=bearer(tokens)).status_code == 204
    assert api.delete(f"/api/v1/auth/passkeys/{first}/", headers=bearer(tokens)).status_code == 404
    assert "two_factor_required" in sign_in()
    assert api.delete(f"/api/v1/auth/passkeys/{second}/", headers=bearer(tokens)).status_code == 204
    assert "access" in sign_in()  # the last passkey disabled MFA and deleted the backup codes
    assert api.get("/api/v1/auth/2fa/", headers=bearer(tokens)).json()["backup_codes_remaining"] == 0


def test_nobody_sees_or_touches_anothers_passkey(api, make_user, sign_in, with_passkey):
    with_passkey()
    make_user("bob@example.com")
    bob = sign_in("bob@example.com")
    pk = Passkey.objects.get().pk
    assert api.get("/api/v1/auth/passkeys/", headers=bearer(bob)).json()["results"] == []
    assert api.patch(f"/api/v1/auth/passkeys/{pk}/", {"name": "x"}, headers=bearer(bob)).status_code == 404
    assert api.delete(f"/api/v1/auth/passkeys/{pk}/", headers=bearer(bob)).status_code == 404


def test_a_challenge_of_one_person_takes_no_passkey_of_another(api, make_user, sign_in):
    make_user()
    make_user("bob@example.com")
    ann, bob = sign_in(), sign_in("bob@example.com")
    challenge = api.post("/api/v1/auth/passkeys/options/", headers=bearer(ann)).json()
    body = {
        "challenge": challenge["challenge"],
        "credential": Authenticator().create(challenge["options"]),
        "name": "x",
    }
    assert api.post("/api/v1/auth/passkeys/", body, headers=bearer(bob)).status_code == 401
    assert Passkey.objects.count() == 0


def test_one_credential_belongs_to_one_account(make_user, sign_in, add_passkey):
    make_user()
    make_user("bob@example.com")
    authenticator = Authenticator()
    assert add_passkey(sign_in(), authenticator).status_code == 201
    assert add_passkey(sign_in("bob@example.com"), authenticator).status_code == 401
    assert Passkey.objects.count() == 1
