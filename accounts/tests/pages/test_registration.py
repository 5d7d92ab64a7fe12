"""Becoming a user in a browser."""

import pytest
from django.core import mail
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import TOTPDevice, User
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
DETAILS = {"email": "ann@example.com", "password": PASSWORD}


def test_a_person_registers_and_confirms_in_a_browser(client, link_token):
    done = client.post("/register/", DETAILS)
    assert "ann@example.com" in done.content.decode()
    address = f"/email/verify/{link_token('/email/verify/')}/"
    assert "Confirm my address" in client.get(address).content.decode()
    confirmed = client.post(address, follow=True)
    assert confirmed.redirect_chain == [("/account/", 302)]
    assert "Your address is confirmed." in confirmed.content.decode()
    assert client.post(address).status_code == 400


def test_another_browser_that_confirms_an_address_is_not_signed_in(client, link_token):
    client.post("/register/", DETAILS)
    other = Browser()
    confirmed = other.post(f"/email/verify/{link_token('/email/verify/')}/")
    assert "Your address is confirmed" in confirmed.content.decode()
    assert other.get("/account/").url == "/login/?next=/account/"
    assert client.get("/account/").url == "/login/?next=/account/"


def test_a_browser_that_registered_another_address_is_not_signed_in(client, link_token):
    client.post("/register/", DETAILS)
    token = link_token("/email/verify/")
    client.post("/register/", {**DETAILS, "email": "bob@example.com"})
    client.post(f"/email/verify/{token}/")
    assert client.get("/account/").url == "/login/?next=/account/"


def test_a_contested_registration_signs_nobody_in(client, link_token):
    Browser().post("/register/", {**DETAILS, "password": "Another-Grill-2027!"})
    client.post("/register/", DETAILS)
    confirmed = client.post(f"/email/verify/{link_token('/email/verify/')}/")
    assert "Your address is confirmed" in confirmed.content.decode()
    assert client.get("/account/").url == "/login/?next=/account/"


def test_a_locked_account_is_confirmed_and_not_signed_in(client, link_token):
    client.post("/register/", DETAILS)
    User.objects.update(locked_at=timezone.now())
    assert client.post(f"/email/verify/{link_token('/email/verify/')}/").status_code == 200
    assert client.get("/account/").url == "/login/?next=/account/"


def test_confirming_an_address_requires_mfa_where_it_is_on(client, link_token):
    client.post("/register/", DETAILS)
    TOTPDevice.objects.create(user=User.objects.get(), secret="x", confirmed_at=timezone.now())
    confirmed = client.post(f"/email/verify/{link_token('/email/verify/')}/")
    assert confirmed.url == "/login/verify/"
    assert client.get("/account/").url == "/login/?next=/account/"


def test_registering_a_taken_address_returns_the_same_response_and_cookies(client, user):
    taken, new = client.post("/register/", DETAILS), Browser().post("/register/", {**DETAILS, "email": "b@example.com"})
    assert set(taken.cookies) == set(new.cookies)


def test_registering_a_taken_address_sends_its_owner_an_email(client, user):
    new = client.post("/register/", {**DETAILS, "email": "bob@example.com"})
    taken = client.post("/register/", DETAILS)
    assert taken.status_code == new.status_code
    assert taken.content.decode().count("ann@example.com") == new.content.decode().count("bob@example.com")
    assert mail.outbox[-1].to == ["ann@example.com"]


def test_a_weak_password_is_refused_beside_its_field(client):
    answer = client.post("/register/", {**DETAILS, "password": "short"})
    assert answer.status_code == 422
    assert "Use at least 8 characters." in answer.context["form"].errors["password"]
    assert 'id="id_password_error"' in answer.content.decode()


def test_another_confirmation_email_can_be_requested(client):
    client.post("/register/", DETAILS)
    mail.outbox.clear()
    answer = client.post("/email/resend/", {"email": "ann@example.com"})
    assert answer.status_code == 200
    assert len(mail.outbox) == 1


def test_registrations_of_pages_and_api_count_together(client, api, settings):
    settings.THROTTLE_RATES = {
        **settings.THROTTLE_RATES,
        "register": (2, 24 * 3600),
    }  # not 60: a new minute would count anew
    api.post("/api/v1/auth/register/", DETAILS)
    client.post("/register/", {**DETAILS, "email": "bob@example.com"})
    answer = client.post("/register/", {**DETAILS, "email": "cal@example.com"})
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


def test_one_error_of_an_address_is_reported_once(client):
    answer = client.post("/register/", {**DETAILS, "email": "bob@"})
    assert answer.context["form"].errors["email"] == ["Enter a valid email address."]
