"""Expired rows are deleted; others stay."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session as BrowserSession
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import KnownDevice, OneTimeToken, PhoneCode, RefreshToken, SecurityEvent, Session
from accounts.services import doctor
from accounts.services import purge as services_purge
from accounts.services.limits import lockout
from accounts.services.one_time import tokens
from accounts.states import TokenPurpose
from conftest import PASSWORD
from foodfleet.core.database import batches, partitions
from foodfleet.core.models import RateLimit

pytestmark = pytest.mark.django_db(transaction=True)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def purge():
    call_command("purge_expired", verbosity=0)


def past_and_future(field, rows, time):
    """Create a row a second before `time` and one a second after; return the second."""
    early, late = rows
    type(early).objects.filter(pk=early.pk).update(**{field: time - SECOND})
    type(late).objects.filter(pk=late.pk).update(**{field: time + 60 * SECOND})
    return late


def test_sessions_go_ninety_days_after_their_end_with_their_tokens(user, sign_in):
    sign_in(), sign_in()
    late = past_and_future("expires_at", Session.objects.order_by("created_at"), timezone.now() - 90 * DAY)
    purge()
    assert Session.objects.get() == late
    assert RefreshToken.objects.get().session == late
    assert SecurityEvent.objects.filter(kind="signed_in").count() == 2


def test_security_events_are_removed_only_when_older_than_the_setting(user, settings, monkeypatch):
    monkeypatch.setattr(batches, "BATCH", 2)
    ages = [400, 366, 365.5, 364, 1, 0]
    SecurityEvent.objects.bulk_create(
        SecurityEvent(kind="signed_in", user=user, created_at=timezone.now() - age * DAY, details={"age": age})
        for age in ages
    )
    purge()
    assert SecurityEvent.objects.count() == len(ages)
    settings.SECURITY_EVENTS_REMOVED_AFTER_DAYS = 365
    purge()
    assert [event.details["age"] for event in SecurityEvent.objects.order_by("pk")] == [364, 1, 0]


@pytest.mark.postgres
def test_a_month_of_security_events_goes_with_its_partition(event_partitions, settings, monkeypatch):
    """Events in no partition of a month, being older or newer than all, are deleted by themselves."""
    settings.SECURITY_EVENTS_REMOVED_AFTER_DAYS = 30
    may, july = datetime(2031, 5, 10, tzinfo=UTC), datetime(2031, 7, 5, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: may)
    assert ["May 2031 and June 2031" in problem.text for problem in doctor.event_partitions()] == [True]
    purge()
    assert list(doctor.event_partitions()) == []
    times = [datetime(2030, 1, 1, tzinfo=UTC), *(datetime(2031, month, 2, tzinfo=UTC) for month in (5, 6, 7, 12))]
    SecurityEvent.objects.bulk_create(SecurityEvent(kind="locked", created_at=time) for time in times)
    monkeypatch.setattr(timezone, "now", lambda: july)
    with CaptureQueriesContext(connection) as queries:
        purge()
    assert [event.created_at.month for event in SecurityEvent.objects.order_by("created_at")] == [6, 7, 12]
    assert 'DROP TABLE "accounts_securityevent_2031_05"' in [query["sql"] for query in queries]
    assert partitions.of(SecurityEvent)[0].name[-7:] == "2031_06"


def test_refresh_tokens_are_purged_a_week_after_they_expire(user, sign_in, api):
    pair = sign_in()
    for _ in range(2):
        pair = api.post("/api/v1/auth/refresh/", {"refresh": pair["refresh"]}).json()
    oldest, *others = RefreshToken.objects.order_by("pk")
    RefreshToken.objects.filter(pk=oldest.pk).update(expires_at=timezone.now() - 7 * DAY - SECOND)
    RefreshToken.objects.filter(pk=others[0].pk).update(expires_at=timezone.now() - 7 * DAY + 60 * SECOND)
    purge()
    assert list(RefreshToken.objects.order_by("pk")) == others
    assert api.post("/api/v1/auth/refresh/", {"refresh": pair["refresh"]}).status_code == 200


def test_the_purge_removes_expired_links(user):
    for _ in range(2):
        tokens.issue(user, TokenPurpose.COMPROMISE_REPORTED)
    late = past_and_future("expires_at", OneTimeToken.objects.order_by("pk"), timezone.now())
    purge()
    assert OneTimeToken.objects.get() == late


def test_codes_on_their_way_to_a_phone_go_when_they_run_out(user, make_user):
    for owner in (user, make_user("bob@example.com")):
        PhoneCode.objects.create(user=owner, phone="+491701234567", digest="x", expires_at=timezone.now())
    late = past_and_future("expires_at", PhoneCode.objects.order_by("pk"), timezone.now())
    purge()
    assert PhoneCode.objects.get() == late


def test_limits_are_purged_when_they_expire():
    for number in range(2):
        lockout.reserve_attempt(email=f"nobody{number}@example.com")
    late = past_and_future("expires_at", RateLimit.objects.order_by("pk"), timezone.now())
    purge()
    assert RateLimit.objects.get() == late


@pytest.mark.once
def test_wrong_passwords_are_kept_for_a_day_and_a_lock_for_a_month():
    days = []
    for _ in range(lockout.ATTEMPTS):
        lockout.reserve_attempt(email="nobody@example.com")
        days.append((RateLimit.objects.get().expires_at - timezone.now() + SECOND).days)
    assert days == [1, 1, 1, 1, 30]


def test_devices_are_purged_when_their_cookie_has_expired(make_user, sign_in, settings):
    for name in ("ann", "bob"):
        sign_in(make_user(f"{name}@example.com").email)
    age = SECOND * settings.DEVICE_COOKIE_AGE
    late = past_and_future("signed_in_at", KnownDevice.objects.order_by("pk"), timezone.now() - age)
    purge()
    assert KnownDevice.objects.get() == late


def test_browsers_sessions_go_when_they_run_out():
    for expiry in (-1, 3600):
        store = SessionStore()
        store["a"] = 1
        store.set_expiry(expiry)
        store.save()
    purge()
    assert BrowserSession.objects.get().expire_date > timezone.now()


def test_more_rows_than_one_statement_takes_are_deleted(user, monkeypatch):
    monkeypatch.setattr(batches, "BATCH", 2)
    for _ in range(5):
        tokens.issue(user, TokenPurpose.COMPROMISE_REPORTED)
    OneTimeToken.objects.update(expires_at=timezone.now() - SECOND)
    assert services_purge.purge_expired() == 5
    assert not OneTimeToken.objects.exists()


def test_a_user_whose_sessions_were_purged_is_notified_of_a_new_device(user, sign_in, api, mailoutbox):
    sign_in()
    Session.objects.update(expires_at=timezone.now() - 91 * DAY)
    purge()
    mailoutbox.clear()
    login = {"email": user.email, "password": PASSWORD}
    api.cookies.clear()
    assert api.post("/api/v1/auth/login/", login, headers={"user-agent": "Tablet/2.0"}).status_code == 200
    assert "Tablet" in mailoutbox[0].body
