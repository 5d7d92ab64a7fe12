"""MFA over the API: enrolment, sign-in, backup codes, disabling."""

import re
from base64 import b64decode
from io import BytesIO

import pytest
import zxingcpp
from django.core import mail
from PIL import Image

from accounts.models import BackupCode, Challenge, SecurityEvent, TOTPDevice
from accounts.models.totp import matching_steps
from accounts.tests.authenticator_app import app_code
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

RFC_6238 = [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924")]
RFC_6238 += [(2000000000, "279037"), (20000000000, "353130")]


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


@pytest.mark.parametrize(("seconds", "code"), RFC_6238)
def test_codes_are_those_of_rfc_6238(seconds, code):
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # base32 of the RFC's key 12345678901234567890
    assert matching_steps(secret, code, now=seconds, drift=0) == [seconds // 30]


def test_the_whole_way_from_setup_to_a_sign_in_with_a_code(api, user, sign_in, enable, verify):
    secret, codes, tokens = enable()
    assert len(codes) == len(set(codes)) == 10
    status = api.get("/api/v1/auth/2fa/", headers=bearer(tokens)).json()
    assert status == {"enabled": True, "methods": ["totp", "backup_code"], "backup_codes_remaining": 10}
    pending = sign_in()
    assert set(pending) == {"two_factor_required", "challenge", "methods", "expires_in"}
    assert pending["two_factor_required"] is True
    assert pending["methods"] == ["totp", "backup_code"]
    assert pending["expires_in"] == 300
    answered = verify(pending["challenge"], app_code(secret))
    assert answered.status_code == 200
    assert set(answered.json()) == {"access", "refresh", "token_type", "expires_in", "user"}
    assert api.get("/api/v1/users/me/", headers=bearer(answered.json())).status_code == 200


def test_a_qr_reader_finds_in_the_png_what_the_app_needs(api, user, sign_in):
    setup = api.post("/api/v1/auth/2fa/setup/", {"password": PASSWORD}, headers=bearer(sign_in())).json()
    kind, _, data = setup["qr_code"].partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(BytesIO(b64decode(data))) as picture:
        [read] = zxingcpp.read_barcodes(picture)
    assert read.text == setup["otpauth_uri"]
    assert f"secret={setup['secret']}" in read.text
    assert read.text.startswith("otpauth://totp/FoodFleet:ann@example.com?")


def test_mfa_is_off_until_a_code_is_verified(api, user, sign_in):
    tokens = sign_in()
    api.post("/api/v1/auth/2fa/setup/", {"password": PASSWORD}, headers=bearer(tokens))
    wrong = api.post("/api/v1/auth/2fa/verify/", {"code": "000000"}, headers=bearer(tokens))
    assert wrong.status_code == 401
    assert wrong.json()["code"] == "invalid_2fa_code"
    assert api.get("/api/v1/auth/2fa/", headers=bearer(tokens)).json()["enabled"] is False
    assert "access" in sign_in()


def test_setup_takes_the_password_and_calling_again_starts_over(api, user, sign_in):
    tokens = sign_in()
    refused = api.post("/api/v1/auth/2fa/setup/", {"password": "wrong"}, headers=bearer(tokens))
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_credentials")
    first = api.post("/api/v1/auth/2fa/setup/", {"password": PASSWORD}, headers=bearer(tokens)).json()
    second = api.post("/api/v1/auth/2fa/setup/", {"password": PASSWORD}, headers=bearer(tokens)).json()
    assert first["secret"] != second["secret"]
    stale = api.post("/api/v1/auth/2fa/verify/", {"code": app_code(first["secret"])}, headers=bearer(tokens))
    assert stale.status_code == 401
    fresh = api.post("/api/v1/auth/2fa/verify/", {"code": app_code(second["secret"])}, headers=bearer(tokens))
    assert fresh.status_code == 200


def test_an_app_that_counts_is_not_replaced_by_another_setup(api, enable):
    _, _, tokens = enable()
    again = api.post("/api/v1/auth/2fa/setup/", {"password": PASSWORD}, headers=bearer(tokens))
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_may_be_one_step_off(enable, challenge, verify, steps):
    secret, _, _ = enable()
    TOTPDevice.objects.update(last_step=0)
    assert verify(challenge(), app_code(secret, steps)).status_code == 200


@pytest.mark.parametrize("steps", [-3, 3])
def test_older_and_later_codes_are_refused(enable, challenge, verify, steps):
    secret, _, _ = enable()
    TOTPDevice.objects.update(last_step=0)
    assert verify(challenge(), app_code(secret, steps)).status_code == 401


def test_a_code_serves_once_and_no_older_one_after_it(enable, challenge, verify):
    secret, _, _ = enable()
    code = app_code(secret, 0)
    assert verify(challenge(), code).status_code == 200
    again = verify(challenge(), code)
    assert (again.status_code, again.json().get("code")) == (401, "invalid_2fa_code")
    assert verify(challenge(), app_code(secret, -1)).status_code == 401


@pytest.mark.parametrize(
    "code", ["", " ", "12345", "1234567", "１２３４５６", "-12345", "abcdef", {}, [], 123456, None, "9" * 70]
)
def test_text_that_is_no_code_is_refused(enable, challenge, verify, code):
    enable()
    assert verify(challenge(), code).status_code in {401, 422}


def test_a_challenge_serves_once_and_only_its_own_methods(enable, challenge, verify):
    secret, codes, _ = enable()
    token = challenge()
    assert verify(token, codes[0], "sms").status_code == 401
    assert verify(token, "x", "passkey").status_code == 401
    assert verify(token, codes[0], "carrier_pigeon").status_code == 422
    assert verify(token, codes[0], "backup_code").status_code == 200
    assert verify(token, app_code(secret), "totp").status_code == 401
    assert verify("no-such-challenge", app_code(secret), "totp").status_code == 401


def test_a_challenge_dies_after_five_wrong_codes(enable, challenge, verify):
    secret, _, _ = enable()
    token = challenge()
    for _ in range(5):
        assert verify(token, "000000").status_code == 401
    assert verify(token, app_code(secret)).status_code == 401
    assert verify(challenge(), app_code(secret)).status_code == 200


def test_a_challenge_ends_after_five_minutes(enable, challenge, verify):
    from datetime import timedelta

    from django.utils import timezone

    secret, _, _ = enable()
    token = challenge()
    left = Challenge.objects.get().expires_at - timezone.now()
    assert timedelta(minutes=4, seconds=55) < left <= timedelta(minutes=5)
    Challenge.objects.update(expires_at=timezone.now())
    assert verify(token, app_code(secret)).status_code == 401


def test_codes_are_read_as_people_type_them(enable, challenge, verify):
    secret, codes, _ = enable()
    assert verify(challenge(), f" {codes[0].upper().replace('-', ' ')} ", "backup_code").status_code == 200
    code = app_code(secret)
    assert verify(challenge(), f"{code[:3]} {code[3:]}").status_code == 200


def test_backup_codes_are_readable_strong_and_stored_as_slow_hashes(enable):
    _, codes, _ = enable()
    for code in codes:
        assert re.fullmatch(r"[2-9a-hjkmnp-z]{5}(-[2-9a-hjkmnp-z]{5}){2}", code)
    stored = list(BackupCode.objects.values_list("hash", flat=True))
    assert len(stored) == 10
    assert all(hashed.startswith("$2b$") for hashed in stored)
    assert len({hashed[:29] for hashed in stored}) == 1  # one salt, so one slow hash checks them all


def test_a_backup_code_works_once_and_the_owner_is_notified(enable, challenge, verify):
    _, codes, _ = enable()
    mail.outbox.clear()
    assert verify(challenge(), codes[0], "backup_code").status_code == 200
    notice = next(message for message in mail.outbox if "backup code" in str(message.body))
    assert "9 backup codes left" in str(notice.body)
    assert verify(challenge(), codes[0], "backup_code").status_code == 401
    event = SecurityEvent.objects.get(kind="backup_code_used")
    assert event.details == {"remaining": 9}


def test_new_backup_codes_void_the_old_ones(api, enable, challenge, verify):
    secret, old, tokens = enable()
    renewed = api.post("/api/v1/auth/2fa/backup-codes/", {"code": app_code(secret)}, headers=bearer(tokens))
    assert renewed.status_code == 200
    new = renewed.json()["backup_codes"]
    assert len(new) == 10
    assert not set(new) & set(old)
    assert verify(challenge(), old[0], "backup_code").status_code == 401
    assert verify(challenge(), new[0], "backup_code").status_code == 200
    wrong = api.post("/api/v1/auth/2fa/backup-codes/", {"code": old[1]}, headers=bearer(tokens))
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_2fa_code")


def test_switching_off_takes_password_and_code(api, enable, sign_in):
    secret, codes, tokens = enable()
    call = "/api/v1/auth/2fa/disable/"
    assert api.post(call, {"password": "x", "code": codes[0]}, headers=bearer(tokens)).status_code == 401
    assert api.post(call, {"password": PASSWORD, "code": "000000"}, headers=bearer(tokens)).status_code == 401
    off = api.post(call, {"password": PASSWORD, "code": app_code(secret)}, headers=bearer(tokens))
    assert off.status_code == 204
    assert "access" in sign_in()
    status = api.get("/api/v1/auth/2fa/", headers=bearer(tokens)).json()
    assert status == {"enabled": False, "methods": [], "backup_codes_remaining": 0}


def test_each_change_is_mailed_and_written_down(api, enable):
    secret, _, tokens = enable()
    api.post("/api/v1/auth/2fa/backup-codes/", {"code": app_code(secret)}, headers=bearer(tokens))
    api.post("/api/v1/auth/2fa/disable/", {"password": PASSWORD, "code": app_code(secret, 1)}, headers=bearer(tokens))
    kinds = list(SecurityEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert [kind for kind in kinds if kind.startswith(("two_factor", "backup"))] == [
        "two_factor_enabled",
        "backup_codes_made",
        "two_factor_disabled",
    ]
    assert len(mail.outbox) >= 3
    assert all("/account/not-me/" in str(message.body) for message in mail.outbox[-3:])


def test_a_wrong_password_does_not_reveal_mfa(api, enable):
    enable()
    refused = api.post("/api/v1/auth/login/", {"email": "ann@example.com", "password": "wrong"})
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_credentials")


def test_the_secret_is_encrypted_and_shown_nowhere_again(api, enable, sign_in, caplog):
    secret, codes, tokens = enable()
    stored = TOTPDevice.objects.get().secret
    assert secret not in stored
    assert TOTPDevice.decrypt_secret(stored) == secret
    for path in ("auth/2fa/", "users/me/", "auth/sessions/"):
        assert secret not in api.get(f"/api/v1/{path}", headers=bearer(tokens)).content.decode()
    written = caplog.text + "".join(str(message.message()) for message in mail.outbox)
    events = "".join(str(details) for details in SecurityEvent.objects.values_list("details", flat=True))
    assert secret not in written + events
    assert not any(code in written + events for code in codes)


FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def test_codes_count_with_other_hyphens_spaces_and_digits(enable, challenge, verify):
    secret, codes, _tokens = enable()
    digits = app_code(secret).translate(FULL_WIDTH)
    assert verify(challenge(), f"{digits[:3]}\u00a0{digits[3:]}").status_code == 200
    backup = codes[0].replace("-", "\u2011").upper().translate(FULL_WIDTH)
    assert verify(challenge(), backup, method="backup_code").status_code == 200
    assert verify(challenge(), codes[1].replace("-", " \u2013 "), method="backup_code").status_code == 200
