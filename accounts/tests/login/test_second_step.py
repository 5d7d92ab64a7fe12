"""The second step of a sign-in: its challenge serves once, and ends after wrong codes or five minutes."""

import pytest

from accounts.models import Challenge
from accounts.tests.authenticator_app import app_code

pytestmark = pytest.mark.django_db(transaction=True)


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
