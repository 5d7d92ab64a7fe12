"""Staff change accounts within their own power."""

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Session, User
from accounts.tests.conftest import give
from accounts.tests.staff.test_users import USERS

pytestmark = pytest.mark.django_db(transaction=True)


def test_staff_flags_are_set_by_superusers_alone(caller, boss, user):
    staff = caller("users:read", "users:create", "users:update")
    for flag in ("is_staff", "is_superuser"):
        assert staff.patch(f"{USERS}{user.pk}/", {flag: True}).status_code == 403
        assert staff.post(USERS, {"email": "x@example.com", flag: True}).status_code == 403
    assert staff.patch(f"{USERS}{user.pk}/", {"is_staff": False, "first_name": "Ann"}).status_code == 200
    assert boss.patch(f"{USERS}{user.pk}/", {"is_staff": True}).json()["is_staff"] is True


def test_nobody_but_a_superuser_touches_a_superuser(caller, boss, make_user):
    chief = make_user("chief@example.com", is_superuser=True)
    staff = caller("users:read", "users:update", "users:delete", "users:lock")
    address = f"{USERS}{chief.pk}/"
    answers = [
        staff.patch(address, {"first_name": "X"}), staff.patch(address, {"is_active": False}), staff.delete(address),
        staff.post(f"{address}lock/"), staff.post(f"{address}unlock/"),
    ]  # fmt: skip
    assert [a.status_code for a in answers] == [403] * 5


def test_nobody_gives_an_address_to_somebody_who_holds_more(caller, user):
    give(user, "roles:assign", role="More")
    staff = caller("users:read", "users:update")
    refused = staff.patch(f"{USERS}{user.pk}/", {"email": "mine@example.com"})
    assert (refused.status_code, refused.json()["details"]["missing"]) == (403, ["roles:assign"])


def test_nobody_removes_their_own_power_or_the_last_superuser(boss, caller):
    own = f"{USERS}{boss.user.pk}/"
    calls = [
        lambda c: c.delete(own), lambda c: c.post(f"{own}lock/"), lambda c: c.patch(own, {"is_superuser": False}),
        lambda c: c.patch(own, {"is_active": False}), lambda c: c.patch(own, {"is_staff": False}),
    ]  # fmt: skip
    assert [call(boss).status_code for call in calls] == [409] * 5
    other = caller(email="chief@example.com", is_superuser=True)
    assert calls[1](other).status_code == 200  # another one may
    boss.user.refresh_from_db()
    assert boss.user.locked_at is not None
    # Now the other is the last who can sign in: not even the system takes them away.
    from accounts.exceptions import LastSuperuserException
    from accounts.services.staff import users
    from foodfleet.core.http.clients import Client

    with pytest.raises(LastSuperuserException):
        users.delete(pk=other.user.pk, actor=None, client=Client())


def test_a_deactivated_user_is_out_at_once_and_may_come_back(boss, caller):
    them = caller(email="ann@example.com")
    address = f"{USERS}{them.user.pk}/"
    assert boss.patch(address, {"is_active": False}).json()["is_active"] is False
    assert them.get("/api/v1/users/me/").status_code == 401
    assert not Session.objects.filter(user=them.user, ended_at__isnull=True).exists()
    assert boss.patch(address, {"is_active": True}).json()["is_active"] is True


def test_an_address_set_by_staff_is_verified_and_the_former_one_notified(api, caller, user, link_token, sign_in):
    staff = caller("users:read", "users:update")
    changed = staff.patch(f"{USERS}{user.pk}/", {"email": "ann.new@example.com"})
    assert (changed.json()["email"], changed.json()["email_verified"]) == ("ann.new@example.com", False)
    assert link_token("/account/email/undo/", to="ann@example.com")
    token = link_token("/email/verify/", to="ann.new@example.com")
    assert api.post("/api/v1/auth/email/verify/", {"token": token}).status_code == 204
    assert sign_in(email="ann.new@example.com")["access"]
    taken = staff.patch(f"{USERS}{user.pk}/", {"email": "staff@example.com"})
    assert (taken.status_code, taken.json()["code"]) in {(422, "user_already_exists"), (409, "conflict")}


def test_a_confirmed_phone_that_staff_change_is_reported_to_its_owner(caller, user):
    staff = caller("users:read", "users:update")
    User.objects.filter(pk=user.pk).update(phone="+491701234567", phone_verified_at=timezone.now())
    mail.outbox.clear()
    changed = staff.patch(f"{USERS}{user.pk}/", {"phone": "+491701234568"})
    assert (changed.json()["phone"], changed.json()["phone_verified"]) == ("+491701234568", False)
    assert [(sent.to, "phone number" in sent.body) for sent in mail.outbox] == [(["ann@example.com"], True)]
    staff.patch(f"{USERS}{user.pk}/", {"phone": ""})  # it was not confirmed
    assert len(mail.outbox) == 1


def test_a_phone_changed_by_staff_is_unconfirmed(boss, make_user):
    user = make_user(phone="+491701234567", phone_verified_at=timezone.now())
    changed = boss.patch(f"{USERS}{user.pk}/", {"phone": "+49 170 7654321"}).json()
    assert (changed["phone"], changed["phone_verified"]) == ("+491707654321", False)
