"""One gate for every door: what `doors.py` says of each is tried on each, and a door that it does not name fails.

Lockout, second factor, fresh proof, a password that has to be changed and a permission that is missing are refused in
the same way on pages, API and admin.
"""

import json
import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client as Browser
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from accounts.models import Passkey, SecondFactorReset, Session, TOTPDevice, TrustedBrowser
from accounts.services.mfa import totp
from accounts.tests.authenticator_app import app_code
from conftest import PASSWORD
from foodfleet.tests.doors import DOORS, Door
from rbac.services import assignments, roles

pytestmark = [pytest.mark.django_db, pytest.mark.once]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
NEW_PASSWORD = "Another-Grill-2027!"
NUMBER, UUID = "4711", "00000000-0000-4000-8000-000000000000"
FILLED = {"content_type_id": "1", "app_label": "accounts", "url": "nowhere", "token": "wrong", "session_id": UUID}
BODIES = {
    "login/": {"email": "ann@example.com", "password": PASSWORD},
    "account/": {"first_name": "Ann", "language": "en"},
    "account/email/": {"email": "new@example.com"},
    "account/phone/": {"phone": "+491701234567"},
    "account/phone/verify/": {"code": "000000"},
    "account/password/": {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    "account/sudo/": {"password": PASSWORD, "code": "000000"},
    "account/totp/": {"code": "000000"},
    "account/passkeys/": {"name": "Phone", "credential": "{}", "challenge": "wrong"},
    "account/passkeys/<id>/": {"name": "Phone", "passwordless": "on"},
    "api/v1/auth/login/": {"email": "ann@example.com", "password": PASSWORD},
    "api/v1/auth/2fa/setup/": {"password": PASSWORD},
    "api/v1/auth/2fa/disable/": {"password": PASSWORD, "code": "000000"},
    "api/v1/auth/proof/": {"password": PASSWORD, "code": "000000"},
    "api/v1/auth/passkeys/": {"name": "Phone", "credential": {}, "challenge": "wrong"},
    "api/v1/auth/passkeys/<passkey_id>/": {"passwordless": True},
    "api/v1/auth/password/change/": {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    "api/v1/auth/email/change/": {"email": "new@example.com", "password": PASSWORD},
    "api/v1/auth/phone/": {"phone": "+491701234567"},
}
REFUSALS = {  # what is missing: how the API says it, where a browser is led
    "sign-in": ((401, "not_authenticated"), "/login/?next="),
    "second factor": ((403, "two_factor_required"), "/account/totp/"),
    "new password": ((403, "password_change_required"), "/account/security/#password"),
    "proof": ((403, "fresh_proof_required"), "/account/sudo/"),
}


def doors(chosen):
    return [door for door in DOORS if chosen(door)]


CLOSED = doors(lambda door: door.who != "open")
OPEN = doors(lambda door: door.who == "open")
PROVED = doors(lambda door: door.more & {"proof", "proof-2fa"})
STAFF = doors(lambda door: door.who == "staff")
GUARDED = doors(lambda door: ":" in door.who)


def wrong_doors(tried, is_right):
    """Those of `tried` that are not as `is_right(door)` has it; what each try leaves behind is taken back."""
    wrong = []
    for door in tried:
        point = transaction.savepoint()
        if not is_right(door):
            wrong.append(str(door))
        transaction.savepoint_rollback(point)
    return wrong


@pytest.fixture(autouse=True)
def _with_the_mailbox(settings):
    """The doors of a development machine, which has the mailbox too."""
    settings.ROOT_URLCONF = "foodfleet.tests.development_urls"


def walk(patterns, prefix=""):
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, address)
        else:
            yield readable(address)


def readable(address):
    """A pattern as the table writes it: `<id>` for `<int:id>` and for `(?P<id>...)`, no anchors."""
    address = re.sub(r"\(\?P(<\w+>)(?:\[[^\]]*\]|[^()\[])*\)", r"\1", address)
    return re.sub(r"<\w+:", "<", address).replace("^", "").replace("$", "")


def fill(address):
    return "/" + re.sub(r"<(\w+)>", lambda found: FILLED.get(found[1], NUMBER), address).replace(
        f"sessions/{NUMBER}/", f"sessions/{UUID}/"
    )


def knock(browser, door, headers=None, body=None):
    """Send what the door takes; returns its answer."""
    method = "GET" if door.method == "any" else door.method
    data = BODIES.get(door.address, {}) if body is None else body
    if door.is_api:
        return browser.generic(
            method, fill(door.address), json.dumps(data) if method != "GET" else "", "application/json", headers=headers
        )
    return getattr(browser, method.lower())(fill(door.address), data if method == "POST" else None)


def is_refused(answer, missing, door):
    """Whether the answer says, as every door says it, that `missing` is missing."""
    (status, code), page = REFUSALS[missing]
    if door.is_api:
        return answer.status_code == status and answer.json()["code"] == code
    leads_to = answer.headers.get("Location", "")
    if missing == "sign-in" and door.who == "staff":  # the admin's own way to the sign-in
        page = "/admin/login/"
    return answer.status_code == 302 and leads_to.startswith(page)


@pytest.fixture
def ann(make_user):
    """Somebody who may do everything, with things of their own behind the numbers in addresses."""
    return make_user(is_staff=True, is_superuser=True)


def switch_on(user):
    TOTPDevice.objects.create(user=user, secret=totp.sealed(SECRET), confirmed_at=timezone.now())
    Passkey.objects.create(pk=int(NUMBER), user=user, name="Key", credential_id=b"1", public_key=b"1", sign_count=0)
    TrustedBrowser.objects.create(pk=int(NUMBER), user=user, digest="1", expires_at=timezone.now() + timedelta(days=1))


def enter(user):
    """A browser in which `user` is signed in, as by the sign-in page a moment ago."""
    browser = Browser(raise_request_exception=False)
    browser.force_login(user)
    Session.objects.filter(user=user).update(reauthenticated_at=timezone.now(), mfa_passed_at=timezone.now())
    return browser


# -- The list ---------------------------------------------------------------------------------------------------------
def test_the_list_names_every_address_of_the_product_and_no_other():
    built, listed = set(walk(get_resolver().url_patterns)), {door.address for door in DOORS}
    assert built - listed == set(), "doors that nobody listed"
    assert listed - built == set(), "lines of doors that are gone"


@pytest.mark.parametrize("method", METHODS)
def test_a_door_answers_the_methods_of_its_line_and_no_other(ann, method):
    switch_on(ann)
    listed = {}
    for door in DOORS:
        listed.setdefault(door.address, set()).add(door.method)
    tried = [Door(method, address, "", frozenset()) for address in listed if "any" not in listed[address]]

    def is_right(door):
        status = knock(enter(ann), door, body={}).status_code
        if method in listed[door.address]:
            return status != 405
        return status == 405 or (not door.is_api and status in {302, 400})  # led away before anybody asks how

    assert wrong_doors(tried, is_right) == []


# -- Nobody, and somebody who is locked out ----------------------------------------------------------------------------
def test_a_closed_door_asks_a_stranger_to_sign_in():
    assert wrong_doors(CLOSED, lambda door: is_refused(knock(Browser(), door), "sign-in", door)) == []


def test_an_open_door_asks_nobody_to_sign_in():
    def is_right(door):
        answer = knock(Browser(), door)
        return door.address == "admin/login/" or not any(is_refused(answer, missing, door) for missing in REFUSALS)

    assert wrong_doors(OPEN, is_right) == []


@pytest.fixture
def shut(ann, make_user):
    """Lock Ann's account, as staff do."""
    boss = enter(make_user("boss@example.com", is_superuser=True))
    return lambda: boss.post(f"/api/v1/users/{ann.pk}/lock/")


def test_a_session_of_an_account_that_was_shut_opens_nothing(ann, shut):
    def is_right(door):
        browser = enter(ann)
        assert shut().status_code == 200
        return is_refused(knock(browser, door), "sign-in", door)

    assert wrong_doors(CLOSED, is_right) == []


def test_nor_does_its_access_token(ann, shut, sign_in):
    bearer = {"Authorization": f"Bearer {sign_in()['access']}"}
    assert shut().status_code == 200
    calls = [door for door in CLOSED if door.is_api]
    assert wrong_doors(calls, lambda door: knock(Browser(), door, bearer).status_code == 401) == []


@pytest.mark.parametrize("door", doors(lambda door: "password" in door.more), ids=str)
def test_where_a_password_is_compared_five_wrong_ones_lock_every_other_such_door_too(ann, door):
    right = BODIES[door.address]
    wrong = {name: "Wrong-1234!" if name in {"password", "current_password"} else right[name] for name in right}
    for _ in range(5):
        assert knock(Browser() if door.who == "open" else enter(ann), door, body=wrong).status_code == 401

    def is_locked(other):
        answer = knock(Browser() if other.who == "open" else enter(ann), other)
        return answer.status_code == 401 and "locked" in answer.content.decode()

    assert wrong_doors(doors(lambda other: "password" in other.more), is_locked) == []


# -- What somebody who is signed in owes first --------------------------------------------------------------------------
@pytest.fixture
def demand(ann):
    """Let Ann's role demand a second factor, which she has not."""
    role = roles.create(actor=None, edit=roles.RoleEdit(name="strict", requires_2fa=True))
    assignments.grant(actor=None, user=ann, role=role)


def test_a_holder_without_the_demanded_second_factor_comes_in_only_where_one_is_set_up(ann, demand):
    def is_right(door):
        let_in = door.who == "open" or "enrol" in door.more
        return is_refused(knock(enter(ann), door), "second factor", door) != let_in

    assert wrong_doors(DOORS, is_right) == []


def test_who_has_to_choose_another_password_comes_in_only_where_that_is_done(ann):
    ann.must_change_password = True
    ann.save()

    def is_right(door):
        let_in = door.who == "open" or "renew" in door.more
        # An empty form: with the right password in it, some of these lead to the very page that is asked for.
        body = {} if let_in and not door.is_api else None
        return is_refused(knock(enter(ann), door, body=body), "new password", door) != let_in

    assert wrong_doors(DOORS, is_right) == []


def test_who_owes_both_chooses_the_password_first_and_then_sets_the_second_factor_up(ann, demand, api, sign_in):
    ann.must_change_password = True
    ann.save()
    first = {"Authorization": f"Bearer {sign_in()['access']}"}
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert api.post("/api/v1/auth/password/change/", change, headers=first).status_code == 204
    assert api.post("/api/v1/auth/2fa/setup/", {"password": NEW_PASSWORD}, headers=first).status_code == 200


# -- Fresh proof -------------------------------------------------------------------------------------------------------
def stale(user):
    browser = enter(user)
    Session.objects.update(reauthenticated_at=timezone.now() - timedelta(minutes=11))
    return browser


def test_fresh_proof_is_asked_for_where_the_line_says_so_and_nowhere_else(ann):
    switch_on(ann)
    closed = [door for door in DOORS if door.address != "admin/login/"]
    assert (
        wrong_doors(closed, lambda door: is_refused(knock(stale(ann), door), "proof", door) == (door in PROVED)) == []
    )


def test_ten_minutes_long_nobody_is_asked_again(ann):
    switch_on(ann)
    assert wrong_doors(PROVED, lambda door: not is_refused(knock(enter(ann), door), "proof", door)) == []


def test_without_a_second_factor_its_locks_take_proof_all_the_same(ann):
    always = doors(lambda door: "proof" in door.more)
    assert wrong_doors(always, lambda door: is_refused(knock(stale(ann), door), "proof", door)) == []


# -- Permissions, staff and their second factor ------------------------------------------------------------------------
def test_a_permission_that_is_missing_is_named(user):
    def is_right(door):
        answer = knock(enter(user), door)
        return answer.json()["code"] == "insufficient_permissions" and door.who in str(answer.json()["details"])

    assert wrong_doors(GUARDED, is_right) == []


def test_with_the_permission_of_its_line_a_door_opens(user, make_user, allow):
    for door in GUARDED:
        allow(user, door.who)  # of all lines: that each asks for its own, the test before tells
    asks, owner = make_user("asks@example.com"), make_user("owner@example.com")
    SecondFactorReset.objects.create(pk=int(NUMBER), user=owner, requested_by=asks)
    assert wrong_doors(GUARDED, lambda door: knock(enter(user), door).status_code not in {401, 403, 405, 500}) == []


def test_the_admin_opens_to_staff_alone(user):
    browser = enter(user)
    assert wrong_doors(STAFF, lambda door: is_refused(knock(browser, door), "sign-in", door)) == []
    assert browser.get("/admin/login/").status_code == 403


def test_the_admin_opens_to_a_session_that_showed_the_second_factor_alone(ann, settings):
    settings.ADMIN_REQUIRE_2FA = True
    browser = enter(ann)
    Session.objects.update(mfa_passed_at=None)
    assert wrong_doors(STAFF, lambda door: is_refused(knock(browser, door), "sign-in", door)) == []
    assert browser.get("/admin/login/").url.startswith("/account/totp/")
    switch_on(ann)
    assert browser.get("/admin/login/").url.startswith("/account/sudo/")
    browser.post("/account/sudo/", {"password": PASSWORD, "code": app_code(SECRET)})
    assert wrong_doors(STAFF, lambda door: not is_refused(knock(browser, door), "sign-in", door)) == []
