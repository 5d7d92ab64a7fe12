"""The same rules in the admin, for MFA resets and in periodic jobs."""

from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.utils import timezone

from accounts import tasks
from accounts.models import (
    Challenge,
    MFAReset,
    Session,
    TOTPDevice,
    TrustedBrowser,
)
from accounts.services.mfa import trusted_browsers
from accounts.services.one_time import challenges
from accounts.states import ChallengePurpose
from conftest import PASSWORD, bearer
from foodfleet.core.cache import rate_limits
from foodfleet.core.http.clients import Client
from foodfleet.core.models import RateLimit

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "Another-Grill-2027!"
FORM = {"usable_password": "true", "password1": NEW, "password2": NEW}


def switch_on(user):
    TOTPDevice.objects.create(
        user=user, secret=TOTPDevice.encrypt_secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), confirmed_at=timezone.now()
    )


@pytest.fixture
def helper(make_user, allow):
    person = make_user("helper@example.com", is_staff=True)
    allow(person, "users:read", "users:update", "users:reset_2fa")
    return person


@pytest.fixture
def staff(client, helper, settings):
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(helper)
    return client


def path(user, page="change"):
    return f"/admin/accounts/user/{user.pk}/{page}/"


def test_staff_do_not_change_the_fields_of_a_superuser(staff, make_user):
    boss = make_user("boss@example.com", is_staff=True, is_superuser=True)
    answer = staff.post(path(boss), {"email": boss.email, "first_name": "Eve", "is_active": "on"})
    assert answer.status_code == 403
    assert "Only a superuser may do this." in staff.get(path(boss)).content.decode()
    boss.refresh_from_db()
    assert boss.first_name == ""


def test_staff_take_over_nobody_who_may_more_than_they(staff, user, allow):
    allow(user, "users:delete")
    staff.post(path(user, "password"), FORM)
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_staff_make_nobody_staff_or_superuser(staff, user):
    form = {"email": user.email, "first_name": "Anna", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    answer = staff.post(path(user), form)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    user.refresh_from_db()
    assert (user.first_name, user.is_staff, user.is_superuser) == ("Anna", False, False)


def test_expired_rows_are_deleted_and_valid_ones_stay(user):
    challenges.issue(ChallengePurpose.SIGN_IN, user=user, client=Client())
    trusted_browsers.remember(user=user, client=Client())
    rate_limits.fixed_window("test", limit=1, seconds=3600)
    kinds = (Challenge, TrustedBrowser)
    call_command("purge_expired")
    assert [kind.objects.count() for kind in kinds] == [1, 1]
    for kind in (*kinds, RateLimit):
        kind.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    tasks.purge_expired()
    assert [kind.objects.count() for kind in (*kinds, RateLimit)] == [0, 0, 0]


def test_beat_calls_the_tasks_of_accounts():
    planned = {entry["task"] for entry in configured.CELERY_BEAT_SCHEDULE.values()}
    assert {tasks.purge_expired.name, tasks.run_due_resets.name} <= planned


def test_who_is_not_signed_in_is_sent_from_the_admin_to_the_sign_in(client):
    assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/login/")


def test_mfa_is_reset_a_day_after_another_person_approved(api, user, helper, make_user, allow, sign_in):
    second = make_user("second@example.com", is_staff=True)
    allow(second, "users:reset_2fa")
    asks, approves = (bearer(sign_in(email=one.email)) for one in (helper, second))
    owner = bearer(sign_in())
    switch_on(user)
    challenge = api.post(f"/api/v1/users/{user.pk}/2fa-reset/", {"reason": "lost phone"}, headers=asks)
    assert challenge.status_code == 202, challenge.content
    approve = f"/api/v1/2fa-resets/{challenge.json()['id']}/approve/"
    assert api.post(approve, headers=asks).status_code == 403
    assert api.post(approve, headers=owner).status_code == 403
    assert api.post(approve, headers=approves).status_code == 200
    left = MFAReset.objects.get().effective_at - timezone.now()
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
    tasks.run_due_resets()
    assert TOTPDevice.objects.exists()
    MFAReset.objects.update(effective_at=timezone.now())
    tasks.run_due_resets()
    assert not TOTPDevice.objects.exists()
    assert api.get("/api/v1/users/me/", headers=owner).status_code == 401


def test_the_admin_leads_staff_to_mfa_enrolment_or_verification(client, helper, settings):
    settings.ADMIN_REQUIRE_2FA = True
    client.post("/login/", {"email": helper.email, "password": PASSWORD})
    sent = client.get("/admin/", follow=True)
    assert sent.redirect_chain[-1][0].startswith("/account/totp/")
    switch_on(helper)
    challenge = client.get("/admin/", follow=True)
    assert challenge.redirect_chain[-1][0].startswith("/account/reauthenticate/")
    Session.objects.update(mfa_passed_at=timezone.now())
    assert client.get("/admin/").status_code == 200
