"""Wrong passwords are counted before they are compared, and too many lock."""

from datetime import timedelta
from unittest import mock

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import LoginAttempts, SecurityEvent
from accounts.services import lockout
from conftest import PASSWORD
from foodfleet.core.clients import Client

pytestmark = pytest.mark.django_db

LOGIN = "/api/v1/auth/login/"


@pytest.fixture
def guess(api):
    def call(email="ann@example.com", password="Wrong-Guess-1!", **extra):
        return api.post(LOGIN, {"email": email, "password": password}, **extra)

    return call


def without_request_id(response):
    return {name: value for name, value in response.json().items() if name != "request_id"}


def test_five_wrong_passwords_lock_the_account_for_the_right_one_too(user, guess):
    for _ in range(5):
        assert guess().json()["code"] == "invalid_credentials"
    refused = guess(password=PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (401, "account_locked")
    assert refused.headers["WWW-Authenticate"] == "Bearer"


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
        until = LoginAttempts.objects.get(device="").locked_until
        lasted.append((until - now).total_seconds() / 60)
        now = until + timedelta(seconds=1)
    assert lasted == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]


def test_the_owner_is_told_once_and_what_to_do(user, guess, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(8):
            guess()
    (message,) = mail.outbox
    assert message.to == [user.email]
    assert "/password/forgot/" in message.body
    assert "/account/not-me/" in message.body
    assert SecurityEvent.objects.filter(user=user, kind="sign_in_locked").count() == 1
    assert SecurityEvent.objects.filter(user=user, kind="sign_in_failed").count() == 8


def test_a_strangers_guesses_do_not_keep_the_owners_device_out(user, api, guess):
    from rest_framework.test import APIClient

    assert guess(password=PASSWORD).status_code == 200  # leaves the device's cookie in `api`
    stranger = APIClient()
    for _ in range(6):
        refused = stranger.post(LOGIN, {"email": user.email, "password": "Wrong-Guess-1!"})
    assert refused.json()["code"] == "account_locked"
    assert stranger.post(LOGIN, {"email": user.email, "password": PASSWORD}).json()["code"] == "account_locked"
    assert guess(password=PASSWORD).status_code == 200


def test_a_known_device_has_five_guesses_of_its_own(user, guess):
    guess(password=PASSWORD)
    for _ in range(5):
        assert guess().json()["code"] == "invalid_credentials"
    assert guess(password=PASSWORD).json()["code"] == "account_locked"


def test_an_invented_device_is_counted_with_the_strangers(user, api, guess):
    for number in range(5):
        api.cookies["foodfleet_device"] = f"invented-{number}"
        assert guess().json()["code"] == "invalid_credentials"
    api.cookies["foodfleet_device"] = "invented-again"
    assert guess(password=PASSWORD).json()["code"] == "account_locked"


def test_staff_lock_shuts_and_unlock_opens(user, make_user, guess, sign_in, api):
    access = sign_in()["access"]
    lockout.lock(user=user, actor=None, client=Client())
    assert api.get("/api/v1/users/me/", headers={"Authorization": f"Bearer {access}"}).status_code == 401
    assert guess().json()["code"] == "invalid_credentials"  # a stranger learns nothing
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
