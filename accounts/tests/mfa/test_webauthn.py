"""Answers of authenticators are verified as WebAuthn asks, in every ceremony."""

import pytest

from accounts.models import Passkey
from accounts.tests.authenticator import (
    BACKED_UP,
    BACKUP_ELIGIBLE,
    USER_PRESENT,
    USER_VERIFIED,
    Authenticator,
    to_bytes,
    to_text,
)
from accounts.tests.conftest import bearer

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_foreign_page_a_foreign_key_and_a_changed_answer_are_refused(sign_in, with_passkey, answer_with_passkey):
    authenticator, _ = with_passkey()
    challenge = sign_in()
    authenticator.origin = "https://testserver.evil.example"
    assert answer_with_passkey(challenge, authenticator.get(challenge["passkey_options"])).status_code == 401
    authenticator.origin = "http://testserver"
    foreign = Authenticator()
    assert answer_with_passkey(challenge, foreign.get(challenge["passkey_options"])).status_code == 401
    changed = authenticator.get(challenge["passkey_options"])
    signature = bytearray(to_bytes(changed["response"]["signature"]))
    signature[-1] ^= 1
    changed["response"]["signature"] = to_text(bytes(signature))
    assert answer_with_passkey(challenge, changed).status_code == 401
    wrong_rp = {**challenge["passkey_options"], "rpId": "evil.example"}
    assert answer_with_passkey(challenge, authenticator.get(wrong_rp)).status_code == 401
    assert answer_with_passkey(challenge, authenticator.get(challenge["passkey_options"])).status_code == 200


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
def test_what_is_no_credential_is_refused(api, sign_in, with_passkey, answer_with_passkey, add_passkey, credential):
    _, tokens = with_passkey()
    assert answer_with_passkey(sign_in(), credential).status_code in {400, 401, 422}
    alone = api.post("/api/v1/auth/login/passkey/").json()["challenge"]
    body = {"challenge": alone, "credential": credential}
    assert api.post("/api/v1/auth/login/passkey/verify/", body).status_code in {400, 401, 422}
    challenge = api.post("/api/v1/auth/passkeys/options/", headers=bearer(tokens)).json()["challenge"]
    body = {"challenge": challenge, "credential": credential, "name": "x"}
    assert api.post("/api/v1/auth/passkeys/", body, headers=bearer(tokens)).status_code in {400, 401, 422}


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
def test_a_wrong_step_is_refused_in_every_ceremony(
    step, api, sign_in, with_passkey, add_passkey, answer_with_passkey, sign_in_alone
):
    authenticator, tokens = with_passkey(Authenticator(counting=False), passwordless=True)
    new = Authenticator()
    WRONG_STEPS[step](new)
    assert add_passkey(tokens, new).status_code == 401
    right = dict(vars(authenticator))
    WRONG_STEPS[step](authenticator)
    challenge = sign_in()
    assert answer_with_passkey(challenge, authenticator.get(challenge["passkey_options"])).status_code == 401
    assert sign_in_alone(authenticator).status_code == 401
    vars(authenticator).update(right)
    assert sign_in_alone(authenticator).status_code == 200


@pytest.mark.parametrize("said", [
    {}, {"crossOrigin": False}, {"tokenBinding": {"status": "supported"}}, {"extra_keys_may_be_added_here": "x"},
])  # fmt: skip
def test_what_browsers_may_say_besides_is_accepted(said, sign_in, with_passkey, answer_with_passkey, sign_in_alone):
    authenticator = Authenticator()
    authenticator.client_data = said
    with_passkey(authenticator, passwordless=True)
    assert sign_in_alone(authenticator).status_code == 200


@pytest.mark.parametrize(("length", "status"), [(1, 201), (1023, 201), (1024, 401)])
def test_a_credential_id_has_at_most_1023_bytes(length, status, sign_in, user, add_passkey):
    authenticator = Authenticator()
    authenticator.credential_id = b"i" * length
    assert add_passkey(sign_in(), authenticator).status_code == status


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
