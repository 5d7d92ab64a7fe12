"""Wrong passwords are counted before they are compared, and too many lock."""

from datetime import timedelta
from unittest import mock

import pytest
from django.core import mail
from django.utils import timezone
from django.utils.formats import date_format
from structlog.testing import capture_logs

from accounts.models import KnownDevice, SecurityEvent
from accounts.services.limits import lockout
from conftest import PASSWORD
from foodfleet.core.http.clients import Client
from foodfleet.core.models import RateLimit

pytestmark = pytest.mark.django_db

LOGIN = "/api/v1/auth/login/"


@pytest.fixture
def guess(api):
    def call(email="ann@example.com", password="Wrong-Guess-1!", **extra):
        return api.post(LOGIN, {"email": email, "password": password}, **extra)

    return call


def without_request_id(response):
    """The response without what differs between calls."""
    body = {name: value for name, value in response.json().items() if name != "request_id"}
    return {**body, "details": list(body["details"])}


def test_after_five_wrong_passwords_the_right_one_is_refused(user, guess):
    for _ in range(5):
        assert guess().json()["code"] == "invalid_credentials"
    refused = guess(password=PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (401, "account_locked")
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    until = RateLimit.objects.get().blocked_until
    assert refused.json()["details"] == {"locked_until": until.isoformat().replace("+00:00", "Z")}
    assert 890 < int(refused.headers["Retry-After"]) <= 900


def test_a_known_device_gets_the_error_of_its_own_lock(user, guess):
    assert guess(password=PASSWORD).status_code == 200  # the cookie stays in the client
    for _ in range(5):
        guess()
    own = RateLimit.objects.get().blocked_until
    longer = {"blocked_until": own + timedelta(hours=5), "expires_at": own + timedelta(days=1)}
    RateLimit.objects.create(key=f"attempts:login:{KnownDevice.objects.get().address}", count=5, **longer)
    assert guess().json()["details"]["locked_until"] == own.isoformat().replace("+00:00", "Z")


def test_a_password_change_tells_how_long_the_account_is_locked(api, user, sign_in):
    headers = {"Authorization": f"Bearer {sign_in()['access']}"}
    body = {"current_password": "Wrong-Guess-1!", "new_password": "Other-Kitchen-77?"}
    answers = [api.post("/api/v1/auth/password/change/", body, headers=headers) for _ in range(6)]
    assert [answer.json()["code"] for answer in answers] == ["invalid_credentials"] * 5 + ["account_locked"]
    assert answers[-1].json()["details"]["locked_until"]
    assert int(answers[-1].headers["Retry-After"]) <= 900


def test_the_page_tells_until_when_and_offers_a_reset(client, user):
    body = {"email": user.email, "password": "Wrong-Guess-1!"}
    for _ in range(5):
        assert b"locked until" not in client.post("/login/", body).content
    page = client.post("/login/", body)
    until = RateLimit.objects.exclude(blocked_until=None).get().blocked_until
    assert page.status_code == 401
    assert f"{date_format(until, 'DATETIME_FORMAT')} UTC</time>. Resetting" in page.content.decode()
    assert '<p><a href="/password/forgot/">Reset your password</a></p>' in page.content.decode()
    assert int(page.headers["Retry-After"]) <= 900


def test_a_lock_by_staff_tells_no_time(api, user):
    type(user).objects.filter(pk=user.pk).update(locked_at=timezone.now())
    answer = api.post(LOGIN, {"email": user.email, "password": PASSWORD})
    assert (answer.json()["code"], answer.json()["details"]) == ("account_locked", {})
    assert "Retry-After" not in answer.headers


def failures(lines):
    return [line for line in lines if line["event"] == "failed_login_attempt"]


def test_the_log_names_whose_sign_in_failed_and_why(user, guess):
    with capture_logs() as lines:
        for _ in range(6):
            guess(email=" Ann@Example.com ")
    assert [(line["email"], line["reason"], line["attempts"]) for line in failures(lines)] == [
        *[(user.email, "invalid_credentials", tries) for tries in range(1, 6)],
        (user.email, "account_locked", 5),
    ]


@pytest.mark.parametrize("typed", ["Grill-Fleet-2026!", "nobody", ""])
def test_what_is_no_address_may_be_a_password_and_is_not_logged(guess, typed):
    with capture_logs() as lines:
        guess(email=typed or "x")
    assert [line["email"] for line in failures(lines)] == [lockout.NOT_AN_ADDRESS]
    assert "Grill-Fleet-2026!" not in str(lines)


def test_the_log_names_who_signed_in(user, guess, django_capture_on_commit_callbacks):
    with capture_logs() as lines, django_capture_on_commit_callbacks(execute=True):
        guess(password=PASSWORD)
    [line] = [line for line in lines if line["event"] == "user_login"]
    assert (line["user_id"], line["email"]) == (user.pk, user.email)


def test_the_log_names_whose_mfa_code_was_wrong(actions):
    actions.protect()
    challenge = actions.sign_in()["challenge"]
    with capture_logs() as lines:
        actions.post("/auth/login/verify/", {"challenge": challenge, "method": "totp", "code": "000000"})
    [line] = failures(lines)
    assert (line["email"], line["reason"], line["attempts"]) == (actions.user.email, "invalid_2fa_code", 1)


def test_an_address_without_an_account_gets_exactly_the_same_answers(user, guess):
    ours = [guess() for _ in range(7)]
    nobodys = [guess(email="nobody@example.com") for _ in range(7)]
    assert [r.status_code for r in ours] == [r.status_code for r in nobodys]
    assert [without_request_id(r) for r in ours] == [without_request_id(r) for r in nobodys]
    assert [sorted(r.headers) for r in ours] == [sorted(r.headers) for r in nobodys]


def test_four_wrong_passwords_are_forgotten_by_the_right_one(user, guess):
    for _ in range(2):
        for _ in range(4):
            guess()
        assert guess(password=PASSWORD).status_code == 200


def test_each_lock_lasts_longer_up_to_a_day(user, guess):
    lasted = []
    now = timezone.now()
    for _ in range(9):
        with mock.patch("django.utils.timezone.now", return_value=now):
            for _ in range(5):
                assert guess().json()["code"] == "invalid_credentials"
            assert guess().json()["code"] == "account_locked"
        until = RateLimit.objects.get().blocked_until
        lasted.append((until - now).total_seconds() / 60)
        now = until + timedelta(seconds=1)
    assert lasted == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]


def test_the_owner_is_notified_once_of_the_lock(user, guess, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(8):
            guess()
    (message,) = mail.outbox
    assert message.to == [user.email]
    assert "/password/forgot/" in message.body
    assert "/account/not-me/" in message.body
    assert SecurityEvent.objects.filter(user=user, kind="sign_in_locked").count() == 1
    assert SecurityEvent.objects.filter(user=user, kind="sign_in_failed").count() == 8


def test_guesses_from_unknown_devices_lock_no_known_device(user, api, guess):
    from rest_framework.test import APIClient

    assert guess(password=PASSWORD).status_code == 200  # leaves the device's cookie in `api`
    attacker = APIClient()
    for _ in range(6):
        refused = attacker.post(LOGIN, {"email": user.email, "password": "Wrong-Guess-1!"})
    assert refused.json()["code"] == "account_locked"
    assert attacker.post(LOGIN, {"email": user.email, "password": PASSWORD}).json()["code"] == "account_locked"
    assert guess(password=PASSWORD).status_code == 200


def test_a_known_device_has_five_guesses_of_its_own(user, guess):
    guess(password=PASSWORD)
    for _ in range(5):
        assert guess().json()["code"] == "invalid_credentials"
    assert guess(password=PASSWORD).json()["code"] == "account_locked"


def test_an_invented_device_cookie_is_counted_as_unknown(user, api, guess):
    for number in range(5):
        api.cookies["foodfleet_device"] = f"invented-{number}"
        assert guess().json()["code"] == "invalid_credentials"
    api.cookies["foodfleet_device"] = "invented-again"
    assert guess(password=PASSWORD).json()["code"] == "account_locked"


def test_staff_lock_shuts_and_unlock_opens(user, make_user, guess, sign_in, api):
    access = sign_in()["access"]
    lockout.lock(user=user, actor=None, client=Client())
    assert api.get("/api/v1/users/me/", headers={"Authorization": f"Bearer {access}"}).status_code == 401
    assert guess().json()["code"] == "invalid_credentials"  # reveals nothing
    assert guess(password=PASSWORD).json()["code"] == "account_locked"
    lockout.unlock(user=user, actor=None, client=Client())
    assert guess(password=PASSWORD).status_code == 200


def test_unlock_opens_what_wrong_passwords_locked(user, guess):
    for _ in range(5):
        guess()
    lockout.unlock(user=user, actor=None, client=Client())
    assert guess(password=PASSWORD).status_code == 200


def test_a_deactivated_account_answers_as_if_it_were_not_there(user, guess):
    user.is_active = False
    user.save()
    assert guess(password=PASSWORD).json()["code"] == "invalid_credentials"


def test_an_unconfirmed_owner_with_the_right_password_is_not_locked(user, guess):
    user.email_verified_at = None
    user.save()
    for _ in range(6):
        assert guess(password=PASSWORD).json()["code"] == "email_not_verified"
    assert guess().json()["code"] == "invalid_credentials"
