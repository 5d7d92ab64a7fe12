"""A phone number: its form, the code by SMS that confirms it, and the limits of such codes."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from accounts import signals
from accounts.models import PhoneCode, User
from accounts.services.account import phone
from accounts.services.mfa import sms
from conftest import PASSWORD, bearer
from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "/api/v1/auth/phone/"


@pytest.fixture
def sms_codes():
    """Codes that were announced, as (phone, code)."""
    sent = []

    def remember(phone, code, **kwargs):
        sent.append((phone, code))

    signals.phone_code_requested.connect(remember)
    yield sent
    signals.phone_code_requested.disconnect(remember)


def test_an_sms_code_confirms_a_phone(api, user, sign_in, sms_codes):
    tokens = sign_in()
    assert api.post(PHONE, {"phone": "+49 170 1234567"}, headers=bearer(tokens)).status_code == 202
    ((phone, code),) = sms_codes
    assert phone == "+491701234567"
    assert re.fullmatch(r"\d{6}", code)
    user.refresh_from_db()
    assert user.phone == ""
    assert api.post(f"{PHONE}verify/", {"code": code}, headers=bearer(tokens)).status_code == 204
    user.refresh_from_db()
    assert (user.phone, user.phone_verified_at is not None) == ("+491701234567", True)
    assert api.post(f"{PHONE}verify/", {"code": code}, headers=bearer(tokens)).status_code == 422
    assert any("/account/not-me/" in m.body for m in mail.outbox)


@pytest.mark.parametrize(
    "phone", ["0170 1234567", "12345", "", "+49", "+999999999999999999", "call me", "+4917012345678 ext. 5"]
)
def test_what_is_no_number_with_a_country_code_is_refused(api, user, sign_in, sms_codes, phone):
    answer = api.post(PHONE, {"phone": phone}, headers=bearer(sign_in()))
    assert (answer.status_code, list(answer.json()["details"])) == (422, ["phone"])
    assert sms_codes == []


def test_a_code_dies_after_five_tries(api, user, sign_in, sms_codes):
    tokens = sign_in()
    api.post(PHONE, {"phone": "+491701234567"}, headers=bearer(tokens))
    code = sms_codes[0][1]
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(5):
        assert api.post(f"{PHONE}verify/", {"code": wrong}, headers=bearer(tokens)).status_code == 422
    assert api.post(f"{PHONE}verify/", {"code": code}, headers=bearer(tokens)).status_code == 422


def test_of_simultaneous_tries_at_a_code_five_are_compared(user, sms_codes, monkeypatch):
    phone.request_code(user=user, phone="+491701234567", client=Client())
    compared, start = [], Barrier(12)
    monkeypatch.setattr(sms, "matches", lambda *args, **kwargs: bool(compared.append(args)))

    def guess(_):
        start.wait()
        try:
            phone.verify(user=user, code="000000", client=Client())
        except ValidationException:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(guess, range(12))) == {"refused"}
    assert len(compared) == 5


def test_a_new_code_has_five_tries_of_its_own(api, user, sign_in, sms_codes):
    headers = bearer(sign_in())
    for _ in range(2):
        api.post(PHONE, {"phone": "+491701234567"}, headers=headers)
        wrong = f"{(int(sms_codes[-1][1]) + 1) % 10**6:06}"
        for _ in range(5 if len(sms_codes) == 1 else 4):
            assert api.post(f"{PHONE}verify/", {"code": wrong}, headers=headers).status_code == 422
    assert api.post(f"{PHONE}verify/", {"code": sms_codes[-1][1]}, headers=headers).status_code == 204


def test_a_code_lasts_ten_minutes(api, user, sign_in, sms_codes):
    tokens = sign_in()
    api.post(PHONE, {"phone": "+491701234567"}, headers=bearer(tokens))
    assert timedelta(minutes=9) < PhoneCode.objects.get().expires_at - timezone.now() <= timedelta(minutes=10)
    PhoneCode.objects.update(expires_at=timezone.now())
    assert api.post(f"{PHONE}verify/", {"code": sms_codes[0][1]}, headers=bearer(tokens)).status_code == 422


def test_a_number_gets_three_sms_an_hour_from_all_requesters(api, user, make_user, sign_in, sms_codes):
    make_user("bob@example.com")
    both = [sign_in(), sign_in(email="bob@example.com")]
    answers = [api.post(PHONE, {"phone": "+491701234567"}, headers=bearer(both[n % 2])) for n in range(4)]
    assert [a.status_code for a in answers] == [202, 202, 202, 429]
    assert int(answers[3].headers["Retry-After"]) > 0
    assert len(sms_codes) == 3


def test_replacing_a_phone_is_notified_by_email(api, user, sign_in, sms_codes):
    tokens = sign_in()
    for number in ("+491701234567", "+491701234568"):
        mail.outbox.clear()
        api.post(PHONE, {"phone": number}, headers=bearer(tokens))
        assert mail.outbox == []  # nothing is different yet
        api.post(f"{PHONE}verify/", {"code": sms_codes[-1][1]}, headers=bearer(tokens))
    (notice,) = mail.outbox
    assert notice.to == ["ann@example.com"]
    assert "phone" in notice.subject.lower()
    assert "/account/not-me/" in notice.body
    assert "+491701234568" not in notice.body


def test_three_sms_an_hour_is_a_sliding_limit(api, user, sign_in, sms_codes, monkeypatch):
    tokens = sign_in()
    now = [500_000 * 3600.0 - 30]
    monkeypatch.setattr("foodfleet.core.cache.rate_limits.time", lambda: now[0])
    for second in (0, 10, 20, 31, 45, 60):
        now[0] = 500_000 * 3600.0 - 30 + second
        api.post(PHONE, {"phone": "+491701234567"}, headers=bearer(tokens))
    assert len(sms_codes) == 3


def test_a_registered_phone_is_stored_in_e164(api):
    body = {"email": "ann@example.com", "password": PASSWORD, "phone": "+1 (415) 555-2671"}
    assert api.post("/api/v1/auth/register/", body).status_code == 202
    assert User.objects.get(email="ann@example.com").phone == "+14155552671"


@pytest.mark.parametrize("phone", ["+1 800 FLOWERS", "+998 90 123 45 67 ab", "Ann +4915123456789"])
def test_letters_in_a_phone_number_are_refused(api, client, user, make_user, allow, sign_in, phone):
    allow(make_user("boss@example.com"), "users:read", "users:create", "users:update")
    staff = {"Authorization": f"Bearer {sign_in('boss@example.com')['access']}"}
    owner = {"Authorization": f"Bearer {sign_in()['access']}"}
    new = {"email": "new@example.com", "password": PASSWORD, "phone": phone}
    answers = [
        api.post("/api/v1/auth/register/", new),
        api.post("/api/v1/auth/phone/", {"phone": phone}, headers=owner),
        api.post("/api/v1/users/", new, headers=staff),
        api.patch(f"/api/v1/users/{user.pk}/", {"phone": phone}, headers=staff),
    ]
    for answer in answers:
        assert (answer.status_code, list(answer.json()["details"])) == (422, ["phone"])
    client.post("/login/", {"email": user.email, "password": PASSWORD})
    page = client.post("/account/phone/", {"phone": phone})
    assert (page.status_code, list(page.context["form"].errors)) == (422, ["phone"])


def test_a_code_by_sms_counts_in_digits_of_any_script(api, user, sign_in, sms_codes):
    headers = {"Authorization": f"Bearer {sign_in()['access']}"}
    api.post("/api/v1/auth/phone/", {"phone": "+4915123456789"}, headers=headers)
    code = sms_codes[-1][1].translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    assert api.post("/api/v1/auth/phone/verify/", {"code": code}, headers=headers).status_code == 204
