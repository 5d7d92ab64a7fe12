"""Passkeys over the API: added, used for MFA and for sign-in, renamed, removed."""

import json
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Passkey, SecurityEvent, Session, User
from accounts.tests.authenticator import (
    BACKED_UP,
    BACKUP_ELIGIBLE,
    USER_PRESENT,
    USER_VERIFIED,
    Authenticator,
    to_bytes,
    to_text,
)
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


def bearer(tokens):
    return {"Authorization": f"Bearer {tokens['access']}"}


@pytest.fixture
def add(api):
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
def with_passkey(user, sign_in, add):
    """Ann has a passkey; answers her authenticator and the tokens of the session in which it was added."""

    def call(authenticator=None, **requested):
        authenticator = authenticator or Authenticator()
        tokens = sign_in()
        assert add(tokens, authenticator, **requested).status_code == 201
        return authenticator, tokens

    return call


@pytest.fixture
def answer(api):
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


def test_the_first_passkey_enables_mfa_and_creates_backup_codes(api, user, sign_in, add):
    tokens = sign_in()
    added = add(tokens, Authenticator())
    assert added.status_code == 201
    assert len(added.json()["backup_codes"]) == 10
    status = api.get("/api/v1/auth/2fa/", headers=bearer(tokens)).json()
    assert status == {"enabled": True, "methods": ["backup_code", "passkey"], "backup_codes_remaining": 10}
    bodies = " ".join(str(message.body) for message in mail.outbox)
    assert "My phone" in bodies
    second = add(tokens, Authenticator(), name="Key ring")
    assert second.json()["backup_codes"] == []


def test_a_passkey_completes_mfa(sign_in, with_passkey, answer):
    authenticator, _ = with_passkey()
    challenge = sign_in()
    assert challenge["methods"] == ["backup_code", "passkey"]
    assert [known["id"] for known in challenge["passkey_options"]["allowCredentials"]] == [
        to_text(authenticator.credential_id)
    ]
    signed_in = answer(challenge, authenticator.get(challenge["passkey_options"]))
    assert signed_in.status_code == 200, signed_in.content
    assert "access" in signed_in.json()
    as_text = sign_in()
    assert answer(as_text, json.dumps(authenticator.get(as_text["passkey_options"]))).status_code == 200
    assert Passkey.objects.get().sign_count == 3
    assert Passkey.objects.get().last_used_at is not None


def test_an_answer_serves_one_challenge_once(sign_in, with_passkey, answer):
    authenticator, _ = with_passkey(Authenticator(counting=False))
    challenge, other = sign_in(), sign_in()
    credential = authenticator.get(challenge["passkey_options"])
    assert answer(other, credential).status_code == 401
    assert answer(challenge, credential).status_code == 200
    assert answer(challenge, credential).status_code == 401


def test_a_foreign_page_a_foreign_key_and_a_changed_answer_are_refused(sign_in, with_passkey, answer):
    authenticator, _ = with_passkey()
    challenge = sign_in()
    authenticator.origin = "https://testserver.evil.example"
    assert answer(challenge, authenticator.get(challenge["passkey_options"])).status_code == 401
    authenticator.origin = "http://testserver"
    foreign = Authenticator()
    assert answer(challenge, foreign.get(challenge["passkey_options"])).status_code == 401
    changed = authenticator.get(challenge["passkey_options"])
    signature = bytearray(to_bytes(changed["response"]["signature"]))
    signature[-1] ^= 1
    changed["response"]["signature"] = to_text(bytes(signature))
    assert answer(challenge, changed).status_code == 401
    wrong_rp = {**challenge["passkey_options"], "rpId": "evil.example"}
    assert answer(challenge, authenticator.get(wrong_rp)).status_code == 401
    assert answer(challenge, authenticator.get(challenge["passkey_options"])).status_code == 200


@pytest.mark.parametrize(
    "credential",
    [
        "", "x", "{}", "[]", "null", {}, {"response": {}}, {"id": "eA", "response": 5}, 7, None, [],
        {"id": "eA", "rawId": "eA", "type": "public-key", "response": {"clientDataJSON": "eA"}},
        {"id": "é", "rawId": "é", "type": "public-key", "response": {"userHandle": 3}},
        {"id": 5, "rawId": [], "type": {}, "response": {"signature": {}}},
        "[" * 3000, "{\"response\":" * 3000, "x" * 40_000,
    ],
)  # fmt: skip
def test_what_is_no_credential_is_refused(api, sign_in, with_passkey, answer, add, credential):
    _, tokens = with_passkey()
    assert answer(sign_in(), credential).status_code in {400, 401, 422}
    alone = api.post("/api/v1/auth/login/passkey/").json()["challenge"]
    body = {"challenge": alone, "credential": credential}
    assert api.post("/api/v1/auth/login/passkey/verify/", body).status_code in {400, 401, 422}
    challenge = api.post("/api/v1/auth/passkeys/options/", headers=bearer(tokens)).json()["challenge"]
    body = {"challenge": challenge, "credential": credential, "name": "x"}
    assert api.post("/api/v1/auth/passkeys/", body, headers=bearer(tokens)).status_code in {400, 401, 422}


def test_a_counter_that_goes_back_is_refused_and_written_down(sign_in, with_passkey, answer):
    authenticator, _ = with_passkey()
    challenge = sign_in()
    assert answer(challenge, authenticator.get(challenge["passkey_options"])).status_code == 200
    authenticator.count = 0  # a copy of the key, made before
    challenge = sign_in()
    refused = answer(challenge, authenticator.get(challenge["passkey_options"]))
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_2fa_code")
    assert SecurityEvent.objects.filter(kind="passkey_copied").count() == 1


def test_a_passkey_is_the_whole_sign_in_only_where_its_owner_chose_that(api, with_passkey, sign_in_alone):
    authenticator, tokens = with_passkey()
    assert sign_in_alone(authenticator).status_code == 401
    pk = Passkey.objects.get().pk
    api.patch(f"/api/v1/auth/passkeys/{pk}/", {"passwordless": True}, headers=bearer(tokens))
    signed_in = sign_in_alone(authenticator)
    assert signed_in.status_code == 200, signed_in.content
    assert signed_in.json()["user"]["email"] == "ann@example.com"


def test_the_whole_sign_in_takes_an_authenticator_that_knows_its_holder(with_passkey, sign_in_alone):
    authenticator, _ = with_passkey(Authenticator(verifies=False), passwordless=True)
    assert sign_in_alone(authenticator).status_code == 401
    authenticator.flags |= 0x04
    assert sign_in_alone(authenticator).status_code == 200


def test_a_passkey_signs_nobody_in_who_may_not(with_passkey, sign_in_alone):
    authenticator, _ = with_passkey(passwordless=True)
    User.objects.update(locked_at=timezone.now())
    refused = sign_in_alone(authenticator)
    assert (refused.status_code, refused.json()["code"]) == (401, "account_locked")
    User.objects.update(locked_at=None, email_verified_at=None)
    assert sign_in_alone(authenticator).json()["code"] == "email_not_verified"
    User.objects.update(email_verified_at=timezone.now(), is_active=False)
    assert sign_in_alone(authenticator).status_code == 401


def test_another_persons_user_handle_is_refused(with_passkey, sign_in_alone):
    authenticator, _ = with_passkey(passwordless=True)
    authenticator.user_handle = to_text(b"somebody else")
    assert sign_in_alone(authenticator).status_code == 401


# WebAuthn level 3, sections 7.1 and 7.2: each wrong step, in every ceremony


def wrong(**changes):
    """An authenticator of which something is wrong; client_data: of the browser that it speaks to."""

    def spoil(authenticator):
        for name, value in changes.items():
            setattr(authenticator, name, value)

    return spoil


def flags(*names):
    return wrong(flags=sum(names))


WRONG_STEPS = {
    "in another site's frame": wrong(client_data={"crossOrigin": True}),
    "in a frame, said as a word": wrong(client_data={"crossOrigin": "yes"}),
    "under another site's page": wrong(client_data={"crossOrigin": False, "topOrigin": "https://evil.example"}),
    "under another site's page, no crossOrigin": wrong(client_data={"topOrigin": "https://evil.example"}),
    "another origin": wrong(client_data={"origin": "https://evil.example"}),
    "another port": wrong(client_data={"origin": "http://testserver:8443"}),
    "another type": wrong(client_data={"type": "payment.get"}),
    "another challenge": wrong(client_data={"challenge": to_text(b"another")}),
    "nobody present": flags(USER_VERIFIED),
    "backed up and not to be backed up": flags(USER_PRESENT, USER_VERIFIED, BACKED_UP),
}


@pytest.mark.parametrize("step", WRONG_STEPS)
def test_a_wrong_step_is_refused_in_every_ceremony(step, api, sign_in, with_passkey, add, answer, sign_in_alone):
    authenticator, tokens = with_passkey(Authenticator(counting=False), passwordless=True)
    new = Authenticator()
    WRONG_STEPS[step](new)
    assert add(tokens, new).status_code == 401
    right = dict(vars(authenticator))
    WRONG_STEPS[step](authenticator)
    challenge = sign_in()
    assert answer(challenge, authenticator.get(challenge["passkey_options"])).status_code == 401
    assert sign_in_alone(authenticator).status_code == 401
    vars(authenticator).update(right)
    assert sign_in_alone(authenticator).status_code == 200


@pytest.mark.parametrize("said", [
    {}, {"crossOrigin": False}, {"tokenBinding": {"status": "supported"}}, {"extra_keys_may_be_added_here": "x"},
])  # fmt: skip
def test_what_browsers_may_say_besides_is_accepted(said, sign_in, with_passkey, answer, sign_in_alone):
    authenticator = Authenticator()
    authenticator.client_data = said
    with_passkey(authenticator, passwordless=True)
    assert sign_in_alone(authenticator).status_code == 200


@pytest.mark.parametrize(("length", "status"), [(1, 201), (1023, 201), (1024, 401)])
def test_a_credential_id_has_at_most_1023_bytes(length, status, sign_in, user, add):
    authenticator = Authenticator()
    authenticator.credential_id = b"i" * length
    assert add(sign_in(), authenticator).status_code == status


def test_a_sign_in_without_a_user_needs_the_user_handle_of_the_passkey(sign_in, with_passkey, answer, sign_in_alone):
    authenticator, _ = with_passkey(passwordless=True)
    for handle in (None, "", to_text(b"somebody else")):
        authenticator.user_handle = handle
        assert sign_in_alone(authenticator).status_code == 401
    challenge = sign_in()  # known by the password: browsers need not say it again
    assert answer(challenge, authenticator.get(challenge["passkey_options"], user_handle=False)).status_code == 200


@pytest.mark.parametrize("made_with", [0, BACKUP_ELIGIBLE])
def test_whether_a_passkey_may_be_backed_up_never_changes(made_with, with_passkey, sign_in_alone):
    authenticator = Authenticator()
    authenticator.flags |= made_with
    with_passkey(authenticator, passwordless=True)
    assert sign_in_alone(authenticator).status_code == 200
    authenticator.flags ^= BACKUP_ELIGIBLE
    assert sign_in_alone(authenticator).status_code == 401
    Passkey.objects.update(is_backup_eligible=None)  # added before this was recorded
    assert sign_in_alone(authenticator).status_code == 200
    assert Passkey.objects.get().is_backup_eligible is not bool(made_with)


def test_a_passkey_that_is_backed_up_later_says_so(with_passkey, sign_in_alone):
    authenticator = Authenticator()
    authenticator.flags |= BACKUP_ELIGIBLE
    with_passkey(authenticator, passwordless=True)
    assert Passkey.objects.get().is_backed_up is False
    authenticator.flags |= BACKED_UP
    assert sign_in_alone(authenticator).status_code == 200
    assert Passkey.objects.get().is_backed_up is True


def test_passkeys_are_listed_renamed_and_removed(api, user, sign_in, with_passkey, add):
    _, tokens = with_passkey()
    add(tokens, Authenticator(), name="Key ring")
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


def test_one_credential_belongs_to_one_account(make_user, sign_in, add):
    make_user()
    make_user("bob@example.com")
    authenticator = Authenticator()
    assert add(sign_in(), authenticator).status_code == 201
    assert add(sign_in("bob@example.com"), authenticator).status_code == 401
    assert Passkey.objects.count() == 1


def test_a_passkey_re_authenticates_after_ten_minutes(api, with_passkey, sign_in, answer):
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


def test_proof_given_in_one_session_is_none_in_another(api, with_passkey, sign_in, answer):
    authenticator, first = with_passkey()
    challenge = sign_in()
    second = answer(challenge, authenticator.get(challenge["passkey_options"])).json()
    Session.objects.update(reauthenticated_at=None)
    challenge = api.post("/api/v1/auth/proof/passkey/", headers=bearer(first)).json()
    body = {"challenge": challenge["challenge"], "credential": authenticator.get(challenge["options"])}
    assert api.post("/api/v1/auth/proof/passkey/verify/", body, headers=bearer(first)).status_code == 204
    assert api.post("/api/v1/auth/passkeys/options/", headers=bearer(first)).status_code == 200
    assert api.post("/api/v1/auth/passkeys/options/", headers=bearer(second)).status_code == 403


@pytest.mark.parametrize(("address", "host", "said"), [
    ("http://testserver", "testserver", None),
    ("http://testserver", "localhost", "Open <a href=\"http://testserver\">"),
    ("http://127.0.0.1:8000", "127.0.0.1:8000", "Passkeys don't work here"),
    ("http://192.0.2.7", "192.0.2.7", "because this site is opened at an IP address"),
])  # fmt: skip
def test_a_page_says_where_passkeys_cannot_work(client, settings, address, host, said):
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = address, ["*"]
    page = client.get("/login/", headers={"Host": host}).content.decode()
    assert ("data-elsewhere" in page) == (said is not None)
    assert said is None or said in page
