"""MFA resets in the admin: requested, approved by another person, run after a day, cancelled by the owner."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client as Browser
from django.utils import timezone

from accounts import tasks
from accounts.models import MFAReset, SecurityEvent, TOTPDevice, TrustedBrowser
from accounts.tests.authenticator_app import app_code
from conftest import PASSWORD
from rbac.services import assignments

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RESETS = "/admin/accounts/mfareset/"


@pytest.fixture
def ann(user):
    """Somebody whose phone is gone."""
    TOTPDevice.objects.create(user=user, secret=TOTPDevice.encrypt_secret(SECRET), confirmed_at=timezone.now())
    return user


@pytest.fixture
def staff(make_user, allow):
    """Browsers of two of staff who may reset."""

    def enter(email):
        person = make_user(email, is_staff=True)
        allow(person, "users:read", "users:reset_2fa")
        browser = Browser()
        browser.force_login(person)
        return browser

    return enter("first@example.com"), enter("second@example.com")


def ask(browser, user, reason="lost phone"):
    return browser.post(f"{RESETS}add/", {"user": user.pk, "reason": reason})


def act(browser, action):
    chosen = list(MFAReset.objects.values_list("pk", flat=True))
    form = {"action": action, "_selected_action": chosen, "confirmed": "1"}
    return browser.post(RESETS, form, follow=True)


@pytest.fixture
def approved(ann, staff):
    """The reset is approved; the words of the mail about it."""
    ask(staff[0], ann)
    mail.outbox.clear()
    act(staff[1], "approve")
    (notice,) = mail.outbox
    assert notice.to == [ann.email]
    return str(notice.body)


def pass_the_day():
    MFAReset.objects.update(effective_at=timezone.now())
    tasks.run_due_resets()


def test_an_mfa_reset_waits_for_the_approval_of_another_person(ann, staff):
    assert ask(staff[0], ann).status_code == 302
    page = act(staff[0], "approve").content.decode()
    assert "Somebody else has to approve this" in page
    tasks.run_due_resets()
    assert MFAReset.objects.get().approved_by is None
    assert TOTPDevice.objects.exists()


def test_an_approved_mfa_reset_notifies_the_owner_and_waits_a_day(ann, staff, approved):
    assert "It will be turned off on" in approved
    reset = MFAReset.objects.get()
    assert timedelta(hours=23, minutes=59) < reset.effective_at - timezone.now() <= timedelta(hours=24)
    assert "approved; happens after 24 hours" in staff[0].get(RESETS).content.decode()
    tasks.run_due_resets()
    assert TOTPDevice.objects.exists()
    TrustedBrowser.objects.create(user=ann, digest="x", expires_at=timezone.now() + timedelta(days=1))
    pass_the_day()
    assert not TOTPDevice.objects.exists()
    assert not TrustedBrowser.objects.exists()
    assert "as announced" in str(mail.outbox[-1].body)
    owner = Browser()
    assert owner.post("/login/", {"email": ann.email, "password": PASSWORD}).url == "/account/"


def test_the_owner_stops_an_mfa_reset_by_the_link_of_the_mail(ann, approved):
    link = re.search(r"/account/not-me/[\w-]+/", approved)[0]
    assert Browser().post(link).status_code == 200
    pass_the_day()
    assert TOTPDevice.objects.exists()


def test_the_owner_stops_an_mfa_reset_by_signing_in_with_mfa(ann, approved):
    owner = Browser()
    owner.post("/login/", {"email": ann.email, "password": PASSWORD})
    owner.post("/login/verify/", {"code": app_code(SECRET), "method": "totp"})
    pass_the_day()
    assert TOTPDevice.objects.exists()


def test_the_owner_stops_an_mfa_reset_on_the_security_page(ann, staff):
    owner = Browser()
    owner.force_login(ann)
    ask(staff[0], ann)
    assert "Cancel the reset" not in owner.get("/account/security/").content.decode()
    act(staff[1], "approve")
    assert "Cancel the reset" in owner.get("/account/security/").content.decode()
    stopped = owner.post("/account/reset/stop/", follow=True).content.decode()
    assert "The reset is cancelled." in stopped
    assert "Cancel the reset" not in stopped
    pass_the_day()
    assert TOTPDevice.objects.exists()
    assert SecurityEvent.objects.filter(kind="two_factor_reset_cancelled", actor=None).exists()


def test_staff_cancel_an_mfa_reset(ann, staff, approved):
    act(staff[0], "call_off")
    pass_the_day()
    assert TOTPDevice.objects.exists()


def test_the_admin_says_at_the_field_why_mfa_cannot_be_reset(ann, make_user, staff):
    ask(staff[0], ann)
    for whom in (ann, make_user("none@example.com")):  # requested already; nothing to reset
        again = ask(staff[1], whom)
        assert again.status_code == 200
        assert again.context["adminform"].form.non_field_errors()
    assert MFAReset.objects.count() == 1


def test_staff_without_the_permission_see_and_ask_nothing(ann, make_user, client):
    client.force_login(make_user("other@example.com", is_staff=True))
    assert client.get(RESETS).status_code == 403
    assert ask(client, ann).status_code == 403


@pytest.mark.parametrize("what", ["the approver is deactivated", "the requester is demoted", "the user holds more"])
def test_an_approved_mfa_reset_that_became_forbidden_is_not_run(ann, staff, approved, allow, what):
    people = get_user_model().objects
    if what == "the approver is deactivated":
        people.filter(email="second@example.com").update(is_active=False)
    elif what == "the requester is demoted":
        requester = people.get(email="first@example.com")
        for held in assignments.current_of(requester):
            assignments.revoke(actor=None, user=requester, role=held.role)
    else:
        allow(ann, "users:delete")
    pass_the_day()
    assert TOTPDevice.objects.exists()
    assert MFAReset.objects.get().cancelled_at is not None
    assert SecurityEvent.objects.filter(user=ann, kind="two_factor_reset_cancelled").exists()
