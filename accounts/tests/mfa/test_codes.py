"""Codes that are sent many times at once: each serves once."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import BackupCode, SecurityEvent, Session, User, backup_codes, totp
from accounts.services.one_time import challenges
from accounts.states import ChallengePurpose
from conftest import PASSWORD
from foodfleet.core.http.clients import Client

MANY = 50


def current_code(steps=0):
    step = int(time.time()) // totp.STEP + steps
    return next(code for code in (f"{n:06d}" for n in [_hotp(step)]))


def _hotp(step):
    from django_otp.oath import hotp

    return hotp(b"12345678901234567890", step)


def issue(user):
    return challenges.issue(ChallengePurpose.SIGN_IN, user=user, client=Client()).token


def verify(challenge, method, code):
    body = {"challenge": challenge, "method": method, "code": code}
    return APIClient(raise_request_exception=False).post("/api/v1/auth/login/verify/", body)


def all_at_once(bodies):
    """Send all codes at once, each in its own thread and connection; return the responses."""
    start = Barrier(len(bodies))

    def send(body):
        start.wait()
        try:
            return verify(*body)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(send, bodies))


def outcomes(responses):
    return sorted({(response.status_code, response.json().get("code")) for response in responses}, key=str)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["totp", "backup_code"])
def test_of_fifty_simultaneous_uses_of_one_code_exactly_one_succeeds(protected, method):
    code = current_code() if method == "totp" else protected.spare_codes[0]
    responses = all_at_once([(issue(protected), method, code) for _ in range(MANY)])
    codes = [response.status_code for response in responses]
    assert codes.count(200) == 1, outcomes(responses)
    assert set(codes) <= {200, 401, 429}
    assert Session.objects.count() == 1
    assert BackupCode.objects.unused().count() == (9 if method == "backup_code" else 10)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_fifty_concurrent_responses_to_one_challenge_one_succeeds(protected):
    more = [code for _ in range(MANY // backup_codes.COUNT) for code in backup_codes.generate_codes()]
    BackupCode.objects.all().delete()
    BackupCode.objects.bulk_create(
        [BackupCode(user=protected, hash=stored) for stored in backup_codes.hash_codes(more)]
    )
    challenge = issue(protected)
    # Each code is right and sent once: the fifth wrong one would revoke the challenge before a right one is done.
    responses = all_at_once([(challenge, "backup_code", code) for code in more])
    assert [response.status_code for response in responses].count(200) == 1, outcomes(responses)
    assert Session.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_fifty_simultaneous_wrong_codes_no_more_than_ten_are_compared(protected):
    responses = all_at_once([(issue(protected), "totp", "000000") for _ in range(MANY)])
    codes = [response.status_code for response in responses]
    assert codes.count(401) == 10
    assert codes.count(429) == 40
    assert SecurityEvent.objects.filter(kind="two_factor_failed").count() == 10


@pytest.mark.django_db(transaction=True)
def test_of_simultaneous_wrong_answers_to_one_challenge_five_are_compared(protected):
    challenge = issue(protected)
    responses = all_at_once([(challenge, "totp", "000000")] * 12)
    assert {response.status_code for response in responses} == {401}
    assert SecurityEvent.objects.filter(kind="two_factor_failed").count() == 5
    assert verify(challenge, "totp", current_code()).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_of_eight_simultaneous_uses_exactly_one_succeeds_on_any_database(protected):
    code = protected.spare_codes[0]
    responses = all_at_once([(issue(protected), "backup_code", code) for _ in range(8)])
    assert [response.status_code for response in responses].count(200) == 1, outcomes(responses)


@pytest.mark.django_db(transaction=True)
def test_repeated_mfa_challenges_lock_no_owner_out(api, protected):
    for _ in range(12):
        response = api.post("/api/v1/auth/login/", {"email": protected.email, "password": PASSWORD})
        assert response.status_code == 200
    assert User.objects.get().locked_at is None
