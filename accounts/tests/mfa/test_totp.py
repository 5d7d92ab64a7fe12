"""Codes of the authenticator app: which count, and that each serves once."""

import pytest
from django.core import mail

from accounts.models import SecurityEvent, TOTPDevice
from accounts.models.totp import matching_steps
from accounts.tests.authenticator_app import app_code
from conftest import bearer

pytestmark = pytest.mark.django_db(transaction=True)

RFC_6238 = [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924")]
RFC_6238 += [(2000000000, "279037"), (20000000000, "353130")]


@pytest.mark.parametrize(("seconds", "code"), RFC_6238)
def test_codes_are_those_of_rfc_6238(seconds, code):
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # base32 of the RFC's key 12345678901234567890
    assert matching_steps(secret, code, now=seconds, drift=0) == [seconds // 30]


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


def test_codes_are_read_as_people_type_them(enable, challenge, verify):
    secret, codes, _ = enable()
    assert verify(challenge(), f" {codes[0].upper().replace('-', ' ')} ", "backup_code").status_code == 200
    code = app_code(secret)
    assert verify(challenge(), f"{code[:3]} {code[3:]}").status_code == 200


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
