"""Devices that signed in before have a count of their own (OWASP's device cookie): over the API and on the pages."""

import pytest
from django.test import Client as Browser

from accounts.models import KnownDevice
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = "/api/v1/auth/login/"
COOKIE = "foodfleet_device"
WRONG = "Wrong-Guess-1!"
STRANGERS, OWNERS = "198.51.100.7", "203.0.113.9"


class Door:
    """Somebody at the sign-in, over the API or on the page: `knock` says whether they are in, or why not."""

    def __init__(self, kind, ip):
        self.kind, self.ip, self.browser = kind, ip, Browser(raise_request_exception=False)

    def knock(self, email="ann@example.com", password=PASSWORD):
        body = {"email": email, "password": password}
        if self.kind == "api":
            answer = self.browser.post(LOGIN, body, "application/json", REMOTE_ADDR=self.ip)
            return "in" if answer.status_code == 200 else answer.json()["code"]
        answer = self.browser.post("/login/", body, REMOTE_ADDR=self.ip)
        if answer.status_code == 302:
            self.browser.post("/logout/", REMOTE_ADDR=self.ip)
            return "in"
        assert answer.status_code == 401, answer.content
        return "account_locked" if "locked" in answer.content.decode().lower() else "invalid_credentials"

    @property
    def cookie(self):
        return self.browser.cookies[COOKIE]

    def show(self, value):
        self.browser.cookies[COOKIE] = value


@pytest.fixture(params=["api", "page"])
def door(request):
    return lambda ip=STRANGERS: Door(request.param, ip)


def lock_strangers_out(door):
    stranger = door()
    assert [stranger.knock(password=WRONG) for _ in range(5)] == ["invalid_credentials"] * 5
    assert stranger.knock() == "account_locked"
    return stranger


def test_a_known_device_signs_in_while_unknown_devices_are_locked(user, door):
    owner = door(OWNERS)
    assert owner.knock() == "in"
    stranger = lock_strangers_out(door)
    assert owner.knock() == "in"
    assert stranger.knock() == "account_locked"
    assert door(OWNERS).knock() == "account_locked"  # the address is not what is known


def test_a_device_is_known_on_the_api_and_on_pages(user):
    owner = Door("api", OWNERS)
    assert owner.knock() == "in"
    lock_strangers_out(lambda: Door("page", STRANGERS))
    owner.kind = "page"
    assert owner.knock() == "in"


def test_the_known_device_of_another_user_is_unknown(user, make_user, door):
    make_user("bob@example.com")
    bob = door()
    assert bob.knock("bob@example.com") == "in"
    assert [bob.knock(password=WRONG) for _ in range(5)] == ["invalid_credentials"] * 5
    assert bob.knock() == "account_locked"
    assert door().knock() == "account_locked"  # they were counted with all strangers' tries


@pytest.mark.parametrize(
    "value", ["", "x", "forged" * 10, "a" * 5000, "null", "' OR 1=1 --", "%00", "\\000", "é", "{}", "0" * 64]
)
def test_a_forged_device_cookie_is_an_unknown_device(user, door, value):
    door(OWNERS).knock()
    lock_strangers_out(door)
    forger = door()
    forger.show(value)
    assert forger.knock() == "account_locked"


def test_the_stored_digest_is_no_device_cookie(user, door):
    door(OWNERS).knock()
    kept = KnownDevice.objects.get().device
    lock_strangers_out(door)
    thief = door()
    thief.show(kept)
    assert thief.knock() == "account_locked"


def test_a_stolen_device_needs_the_password_and_has_five_attempts(user, door):
    owner = door(OWNERS)
    owner.knock()
    thief = door()
    thief.show(owner.cookie.value)
    assert [thief.knock(password=WRONG) for _ in range(5)] == ["invalid_credentials"] * 5
    assert thief.knock() == "account_locked"


def test_a_password_without_its_mfa_code_makes_no_device_known(user, door, world):
    world.protect()
    guest = door()
    guest.knock()
    assert COOKIE not in guest.browser.cookies
    assert not KnownDevice.objects.exists()


def test_no_script_reads_the_cookie_and_no_other_site_sends_it(user, door):
    owner = door()
    owner.knock()
    assert (owner.cookie["httponly"], owner.cookie["samesite"]) == (True, "Lax")
    assert len(owner.cookie.value) == 43


def test_the_cookie_is_secure_where_the_site_is(user, door, settings):
    settings.SESSION_COOKIE_SECURE = True
    owner = door()
    owner.knock()
    assert owner.cookie["secure"]


def test_a_compromise_report_forgets_known_devices(world, door):
    thief = door()
    assert thief.knock() == "in"
    world.sign_in()
    world.ask("/auth/password/change/", {"current_password": PASSWORD, "new_password": "Other-Kitchen-77?"})
    world.page(f"/account/not-me/{world.link_token('/account/not-me/')}/")
    assert not KnownDevice.objects.exists()
    assert [thief.knock(password=WRONG) for _ in range(5)] == ["invalid_credentials"] * 5
    assert door().knock() == "account_locked"


def test_a_planted_device_cookie_is_replaced_at_sign_in(user, make_user, door):
    make_user("thief@example.com")
    thief, owner = door(), door(OWNERS)
    assert thief.knock("thief@example.com") == "in"
    planted = thief.cookie.value
    owner.show(planted)
    assert owner.knock() == "in"
    assert owner.cookie.value != planted
    lock_strangers_out(door)
    thief.show(planted)
    assert thief.knock() == "account_locked"
    assert owner.knock() == "in"


def test_everybody_who_signs_in_on_one_device_stays_known_there(user, make_user, door):
    make_user("bob@example.com")
    shared = door(OWNERS)
    assert shared.knock() == "in"
    assert shared.knock("bob@example.com") == "in"
    lock_strangers_out(door)
    assert shared.knock() == "in"
