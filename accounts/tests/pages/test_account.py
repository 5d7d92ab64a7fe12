"""The account page: roles, data, phone, a pending address; and passkeys and activity on the page on security."""

import pytest
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import PasswordHistory, SecurityEvent, User
from accounts.services.account import email as account_email
from accounts.states import EventKind
from conftest import PASSWORD
from foodfleet.core.http.clients import Client

pytestmark = pytest.mark.django_db(transaction=True)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def ann(user):
    """A browser in which Ann is signed in."""
    browser = Browser(headers={"User-Agent": FIREFOX})
    assert browser.post("/login/", {"email": user.email, "password": PASSWORD}).url == "/account/"
    return browser


def page(browser, path="/account/"):
    return browser.get(path).content.decode()


def test_a_phone_is_removed_from_the_page(ann, user):
    User.objects.filter(pk=user.pk).update(phone="+4915123456789", phone_verified_at=timezone.now())
    assert "Remove the number" in page(ann)
    removed = ann.post("/account/phone/remove/", follow=True).content.decode()
    assert "Your phone number is removed." in removed
    assert "Remove the number" not in removed
    user.refresh_from_db()
    assert (user.phone, user.phone_verified_at) == ("", None)
    assert SecurityEvent.objects.filter(user=user, kind=EventKind.PHONE_CHANGED).count() == 1


def test_with_two_factor_authentication_a_phone_is_removed_after_it_alone(ann, user):
    user.totp_devices.create(secret="x", confirmed_at=timezone.now())
    User.objects.filter(pk=user.pk).update(phone="+4915123456789")
    user.sessions.update(reauthenticated_at=None)
    assert ann.post("/account/phone/remove/").url == "/account/reauthenticate/?next=%2Faccount%2F"
    user.refresh_from_db()
    assert user.phone == "+4915123456789"


def test_a_pending_change_of_address_is_cancelled_or_mailed_again(ann, user, link_token):
    account_email.request(user=user, new_email="new@example.com", client=Client())
    first = link_token("/account/email/confirm/", to="new@example.com")
    assert "Cancel the change" in page(ann)
    ann.post("/account/email/", {"email": "new@example.com"})
    second = link_token("/account/email/confirm/", to="new@example.com")
    assert second != first
    assert "stays as it is" in ann.post("/account/email/cancel/", follow=True).content.decode()
    assert "Cancel the change" not in page(ann)
    assert Browser().post(f"/account/email/confirm/{second}/").status_code == 401


def test_the_page_shows_my_roles_with_their_scopes(ann, user, allow):
    assert "You have no roles yet." in page(ann)
    assignment = allow(user, "users:read", scope="fleet:12")
    shown = page(ann)
    assert assignment.role.name in shown
    assert "fleet:12" in shown


@pytest.mark.parametrize("is_staff", [True, False])
def test_staff_alone_find_a_link_to_the_admin(ann, user, is_staff):
    User.objects.filter(pk=user.pk).update(is_staff=is_staff)
    assert ('href="/admin/"' in page(ann)) == is_staff


def test_my_data_is_downloaded_after_re_authentication(ann, user):
    answer = ann.post("/account/data/")
    assert answer["Content-Disposition"] == f'attachment; filename="account-{user.pk}.json"'
    assert answer.json()["profile"]["email"] == user.email
    assert "no-store" in answer["Cache-Control"]
    user.sessions.update(reauthenticated_at=None)
    assert ann.post("/account/data/").url == "/account/reauthenticate/?next=%2Faccount%2F"
    assert ann.get("/account/data/").url == "/account/"


def test_the_date_of_the_last_change_of_password_is_shown(ann, user):
    assert ann.get("/account/security/").context["password_changed_at"] is None
    PasswordHistory.objects.create(user=user, password="x")
    assert ann.get("/account/security/").context["password_changed_at"] is not None


def newest(browser):
    return browser.get("/account/security/").context["events"][0]


def test_only_mistakes_on_unknown_devices_are_marked_for_review(ann, user):
    wrong = {"email": user.email, "password": "wrong"}
    Browser(headers={"User-Agent": FIREFOX}).post("/login/", wrong)
    assert not newest(ann).notable
    Browser(headers={"User-Agent": "curl/8.0"}).post("/login/", wrong)
    assert newest(ann).notable
    Browser(headers={"User-Agent": FIREFOX}, REMOTE_ADDR="192.0.2.9").post("/login/", wrong)
    assert newest(ann).notable


def test_a_sign_in_before_the_confirmation_is_not_marked_for_review(ann, user):
    User.objects.filter(pk=user.pk).update(email_verified_at=None)
    Browser().post("/login/", {"email": user.email, "password": PASSWORD})
    User.objects.filter(pk=user.pk).update(email_verified_at=timezone.now())
    shown = newest(ann)
    assert (shown.label, shown.notable) == ("Sign-in failed", False)


def test_a_passkey_is_renamed_and_made_passwordless_on_a_page(ann, user):
    passkey = user.passkeys.create(name="Old", credential_id="x", public_key="y")
    user.sessions.update(reauthenticated_at=None)
    address = f"/account/passkeys/{passkey.pk}/"
    assert "used after your password" in page(ann, "/account/security/")
    assert ann.post(address, {"name": "Work laptop"}).url == "/account/security/"
    assert "Work laptop" in page(ann, "/account/security/")
    chosen = {"name": "Work laptop", "passwordless": "on"}
    assert ann.post(address, chosen).url.startswith("/account/reauthenticate/")
    user.sessions.update(reauthenticated_at=timezone.now())
    ann.post(address, chosen)
    assert "used instead of your password" in page(ann, "/account/security/")


def test_nobody_edits_the_passkey_of_somebody_else(ann, make_user):
    passkey = make_user("bob@example.com").passkeys.create(name="Bob's", credential_id="x", public_key="y")
    for method in (ann.get, ann.post):
        assert method(f"/account/passkeys/{passkey.pk}/", {"name": "Mine"}).url == "/account/security/"
    passkey.refresh_from_db()
    assert passkey.name == "Bob's"


def test_mfa_offers_the_passkey_first(client, user, settings):
    user.passkeys.create(name="Key", credential_id="abcd", public_key="y")
    user.totp_devices.create(secret="x", confirmed_at=timezone.now())
    client.post("/login/", {"email": user.email, "password": PASSWORD})
    assert client.get("/login/verify/").context["method"] == "passkey"
    assert client.get("/login/verify/?method=totp").context["method"] == "totp"
    settings.PUBLIC_URL = "http://elsewhere.example"  # where passkeys work; not here
    assert client.get("/login/verify/").context["method"] == "totp"


def test_the_sign_in_offers_passkeys_in_autofill(client):
    page = client.get("/login/").content.decode()
    assert 'autocomplete="username webauthn"' in page
    assert "data-autofill" in page
