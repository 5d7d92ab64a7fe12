"""Known devices have their own count of attempts (OWASP's device cookie), over the API and on pages."""

import pytest
from django.test import Client as Browser

from accounts.models import KnownDevice
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN = "/api/v1/auth/login/"
COOKIE = "foodfleet_device"
WRONG = "Wrong-Guess-1!"
ATTACKERS, OWNERS = "198.51.100.7", "203.0.113.9"


class Visitor:
    """A client that signs in over the API or on the page; `send` returns "in" or the error code."""

    def __init__(self, kind, ip):
        self.kind, self.ip, self.browser = kind, ip, Browser(raise_request_exception=False)

    def send(self, email="ann@example.com", password=PASSWORD):
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
def visitor(request):
    return lambda ip=ATTACKERS: Visitor(request.param, ip)


def lock_unknown_devices_out(visitor):
    attacker = visitor()
    assert [attacker.send(password=WRONG) for _ in range(5)] == ["invalid_credentials"] * 5
    assert attacker.send() == "account_locked"
    return attacker


def test_a_known_device_signs_in_while_unknown_devices_are_locked(user, visitor):
    owner = visitor(OWNERS)
    assert owner.send() == "in"
    attacker = lock_unknown_devices_out(visitor)
    assert owner.send() == "in"
    assert attacker.send() == "account_locked"
    assert visitor(OWNERS).send() == "account_locked"  # the address is not what is known


def test_a_device_is_known_on_the_api_and_on_pages(user):
    owner = Visitor("api", OWNERS)
    assert owner.send() == "in"
    lock_unknown_devices_out(lambda: Visitor("page", ATTACKERS))
    owner.kind = "page"
    assert owner.send() == "in"


def test_the_known_device_of_another_user_is_unknown(user, make_user, visitor):
    make_user("bob@example.com")
    bob = visitor()
    assert bob.send("bob@example.com") == "in"
    assert [bob.send(password=WRONG) for _ in range(5)] == ["invalid_credentials"] * 5
    assert bob.send() == "account_locked"
    assert visitor().send() == "account_locked"  # counted with the attempts of all unknown devices


@pytest.mark.parametrize(
    "value", ["", "x", "forged" * 10, "a" * 5000, "null", "' OR 1=1 --", "%00", "\\000", "é", "{}", "0" * 64]
)
def test_a_forged_device_cookie_is_an_unknown_device(user, visitor, value):
    visitor(OWNERS).send()
    lock_unknown_devices_out(visitor)
    forger = visitor()
    forger.show(value)
    assert forger.send() == "account_locked"


def test_the_stored_digest_is_no_device_cookie(user, visitor):
    visitor(OWNERS).send()
    stored = KnownDevice.objects.get().device
    lock_unknown_devices_out(visitor)
    thief = visitor()
    thief.show(stored)
    assert thief.send() == "account_locked"


def test_a_stolen_device_needs_the_password_and_has_five_attempts(user, visitor):
    owner = visitor(OWNERS)
    owner.send()
    thief = visitor()
    thief.show(owner.cookie.value)
    assert [thief.send(password=WRONG) for _ in range(5)] == ["invalid_credentials"] * 5
    assert thief.send() == "account_locked"


def test_a_password_without_its_mfa_code_makes_no_device_known(user, visitor, actions):
    actions.protect()
    guest = visitor()
    guest.send()
    assert COOKIE not in guest.browser.cookies
    assert not KnownDevice.objects.exists()


def test_no_script_reads_the_cookie_and_no_other_site_sends_it(user, visitor):
    owner = visitor()
    owner.send()
    assert (owner.cookie["httponly"], owner.cookie["samesite"]) == (True, "Lax")
    assert len(owner.cookie.value) == 43


def test_the_cookie_is_secure_where_the_site_is(user, visitor, settings):
    settings.SESSION_COOKIE_SECURE = True
    owner = visitor()
    owner.send()
    assert owner.cookie["secure"]


def test_a_compromise_report_forgets_known_devices(actions, visitor):
    thief = visitor()
    assert thief.send() == "in"
    actions.sign_in()
    actions.ask("/auth/password/change/", {"current_password": PASSWORD, "new_password": "Other-Kitchen-77?"})
    actions.page(f"/account/not-me/{actions.link_token('/account/not-me/')}/")
    assert not KnownDevice.objects.exists()
    assert [thief.send(password=WRONG) for _ in range(5)] == ["invalid_credentials"] * 5
    assert visitor().send() == "account_locked"


def test_a_planted_device_cookie_is_replaced_at_sign_in(user, make_user, visitor):
    make_user("thief@example.com")
    thief, owner = visitor(), visitor(OWNERS)
    assert thief.send("thief@example.com") == "in"
    planted = thief.cookie.value
    owner.show(planted)
    assert owner.send() == "in"
    assert owner.cookie.value != planted
    lock_unknown_devices_out(visitor)
    thief.show(planted)
    assert thief.send() == "account_locked"
    assert owner.send() == "in"


def test_everybody_who_signs_in_on_one_device_stays_known_there(user, make_user, visitor):
    make_user("bob@example.com")
    shared = visitor(OWNERS)
    assert shared.send() == "in"
    assert shared.send("bob@example.com") == "in"
    lock_unknown_devices_out(visitor)
    assert shared.send() == "in"
