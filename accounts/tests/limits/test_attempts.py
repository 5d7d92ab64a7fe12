"""Wrong codes in a row are counted, and wait longer and longer."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import SecurityEvent
from accounts.models.mfa import code_attempts_key
from accounts.services.limits import attempts
from accounts.states import Method
from accounts.tests.mfa.test_codes import current_code, issue, verify
from foodfleet.core.cache import rate_limits
from foodfleet.core.http.clients import Client
from foodfleet.core.models import RateLimit


@pytest.mark.django_db(transaction=True)
def test_ten_wrong_codes_in_a_row_are_free_and_then_the_waits_begin(protected):
    for _ in range(10):
        assert verify(issue(protected), "totp", "000000").status_code == 401
    refused = verify(issue(protected), "totp", current_code())
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert 0 < int(refused["Retry-After"]) <= 30
    RateLimit.objects.update(blocked_until=timezone.now())
    assert verify(issue(protected), "totp", current_code()).status_code == 200
    assert rate_limits.attempts(code_attempts_key(protected)).count == 0


@pytest.mark.django_db(transaction=True)
def test_a_right_code_makes_the_count_begin_anew(protected):
    for _ in range(9):
        verify(issue(protected), "totp", "000000")
    assert verify(issue(protected), "totp", current_code()).status_code == 200
    for _ in range(9):
        assert verify(issue(protected), "totp", "000000").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_wrong_codes_wait_longer_then_stop_for_a_day(protected):
    now = timezone.now()
    waits = []
    for _ in range(25):
        attempt = attempts.reserve(protected, now=now)
        attempts.failed(attempt, protected, Method.TOTP, Client(ip="203.0.113.9"))
        until = RateLimit.objects.get(key__startswith="attempts:mfa").blocked_until
        waits.append(until - now if until else timedelta(0))
        now = until or now
    assert waits[:9] == [timedelta(0)] * 9
    assert waits[9:15] == [timedelta(seconds=s) for s in (30, 60, 120, 240, 480, 900)]
    assert waits[15:24] == [timedelta(minutes=15)] * 9
    assert waits[24] == timedelta(days=1)
    assert sum("locked" in str(message.subject) for message in mail.outbox) == 1
    assert SecurityEvent.objects.filter(kind="two_factor_blocked").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_password_chosen_through_the_mailbox_ends_the_wait(api, protected, link_token):
    for _ in range(10):
        verify(issue(protected), "totp", "000000")
    api.post("/api/v1/auth/password/forgot/", {"email": protected.email})
    token = link_token("/password/reset/")
    done = api.post("/api/v1/auth/password/reset/", {"token": token, "password": "Another-Grill-2027!"})
    assert done.status_code == 204, done.content
    assert verify(issue(protected), "totp", current_code()).status_code == 200
