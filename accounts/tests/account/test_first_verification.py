"""ACCOUNTS_EMAIL_VERIFICATION=optional: an unverified account loses its settings when the owner verifies."""

import pytest
from django.core import mail
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import KnownDevice, Passkey, PhoneCode, Session, TOTPDevice, TrustedBrowser, User
from accounts.services.mfa import totp
from accounts.tests.authenticator import Authenticator
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

OWNERS = "Owner-Kitchen-42!"
EMAIL = "ann@example.com"
V1 = "/api/v1/auth"
BELONGINGS = (Passkey, TOTPDevice, PhoneCode, TrustedBrowser)


@pytest.fixture(autouse=True)
def _optional(settings):
    settings.ACCOUNTS_EMAIL_VERIFICATION = "optional"


@pytest.fixture
def unverified(api, sign_in):
    """Somebody who registered Ann's address and made themselves at home; answers their access token."""
    api.post(f"{V1}/register/", {"email": EMAIL, "password": PASSWORD, "first_name": "Thief"})
    tokens = sign_in()
    headers = {"Authorization": f"Bearer {tokens['access']}"}
    challenge = api.post(f"{V1}/passkeys/options/", headers=headers).json()
    credential = Authenticator().create(challenge["options"])
    body = {"challenge": challenge["challenge"], "credential": credential, "name": "Key", "passwordless": True}
    assert api.post(f"{V1}/passkeys/", body, headers=headers).status_code == 201
    user = User.objects.get()
    TOTPDevice.objects.create(
        user=user, secret=TOTPDevice.encrypt_secret(totp.new_secret()), confirmed_at=timezone.now()
    )
    soon = timezone.now() + timezone.timedelta(days=1)
    TrustedBrowser.objects.create(user=user, digest="x", expires_at=soon)
    PhoneCode.objects.create(user=user, phone="+4915123456789", digest="x", expires_at=soon)
    User.objects.filter(pk=user.pk).update(phone="+4915123456789", phone_verified_at=timezone.now())
    return tokens["access"]


def assert_nothing_is_left(api, access):
    for model in BELONGINGS:
        assert not model.objects.exists(), model
    assert not Session.objects.filter(ended_at__isnull=True).exists()
    assert not KnownDevice.objects.exists()
    assert User.objects.get().phone == ""
    assert api.get("/api/v1/users/me/", headers={"Authorization": f"Bearer {access}"}).status_code == 401


def test_the_owners_confirmation_removes_what_was_set_up_before(api, unverified, link_token):
    answer = api.post(f"{V1}/email/verify/", {"token": link_token("/email/verify/")})
    assert answer.status_code == 204
    assert_nothing_is_left(api, unverified)


def test_the_owners_reset_removes_what_was_set_up_before(api, unverified, link_token):
    api.post(f"{V1}/password/forgot/", {"email": EMAIL})
    body = {"token": link_token("/password/reset/"), "password": OWNERS}
    assert api.post(f"{V1}/password/reset/", body).status_code == 204
    assert_nothing_is_left(api, unverified)
    assert api.post(f"{V1}/login/", {"email": EMAIL, "password": PASSWORD}).status_code == 401
    assert "access" in api.post(f"{V1}/login/", {"email": EMAIL, "password": OWNERS}).json()


def test_the_owners_registration_removes_password_and_name(api, unverified, link_token):
    api.post(f"{V1}/register/", {"email": EMAIL, "password": OWNERS})
    api.post(f"{V1}/email/verify/", {"token": link_token("/email/verify/")})
    assert_nothing_is_left(api, unverified)
    assert User.objects.get().first_name == ""
    assert api.post(f"{V1}/login/", {"email": EMAIL, "password": PASSWORD}).status_code == 401
    assert "Thief" not in "".join(message.body for message in mail.outbox)
    assert link_token("/password/reset/", to=EMAIL)


def test_verification_in_the_signed_in_browser_removes_nothing(api, link_token):
    api.post(f"{V1}/register/", {"email": EMAIL, "password": PASSWORD})
    browser = Browser()
    browser.post("/login/", {"email": EMAIL, "password": PASSWORD})
    TOTPDevice.objects.create(user=User.objects.get(), secret=TOTPDevice.encrypt_secret(totp.new_secret()))
    browser.post(f"/email/verify/{link_token('/email/verify/')}/")
    assert TOTPDevice.objects.count() == 1
    assert browser.get("/account/").status_code == 200


def test_a_confirmation_after_staff_changed_the_address_removes_nothing(api, make_user, allow, sign_in, link_token):
    user = make_user("old@example.com", last_login=timezone.now())
    TOTPDevice.objects.create(
        user=user, secret=TOTPDevice.encrypt_secret(totp.new_secret()), confirmed_at=timezone.now()
    )
    boss = make_user("boss@example.com", is_superuser=True)
    headers = {"Authorization": f"Bearer {sign_in(boss.email)['access']}"}
    assert api.patch(f"/api/v1/users/{user.pk}/", {"email": EMAIL}, headers=headers).status_code == 200
    api.post(f"{V1}/email/verify/", {"token": link_token("/email/verify/", to=EMAIL)})
    assert User.objects.get(pk=user.pk).is_email_verified
    assert TOTPDevice.objects.count() == 1
