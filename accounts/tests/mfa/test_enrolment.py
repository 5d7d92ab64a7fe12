"""MFA is set up and disabled, over the API."""

from base64 import b64decode
from io import BytesIO

import pytest
import zxingcpp
from django.core import mail
from PIL import Image

from accounts.models import SecurityEvent
from accounts.tests.authenticator_app import app_code
from conftest import PASSWORD, bearer

pytestmark = pytest.mark.django_db(transaction=True)


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
