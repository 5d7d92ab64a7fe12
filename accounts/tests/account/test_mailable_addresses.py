"""Addresses with internationalised domains: one account for each mailbox, and email goes to that domain."""

import pytest
from django.core import mail

from accounts.models import User
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

REGISTER, FORGOT = "/api/v1/auth/register/", "/api/v1/auth/password/forgot/"


def test_a_reset_goes_to_the_domain_itself_and_not_to_its_neighbour(api, make_user):
    make_user("c@faß.example")
    api.post(FORGOT, {"email": "c@faß.example"})
    assert mail.outbox[-1].to == ["c@xn--fa-hia.example"]
    assert "c@xn--fa-hia.example" in mail.outbox[-1].message().as_string()
    api.post(FORGOT, {"email": "c@fass.example"})
    assert len(mail.outbox) == 1


def test_both_spellings_of_a_domain_are_one_account(api, make_user, sign_in):
    make_user("c@xn--fa-hia.example")
    assert sign_in("C@FAẞ.example")["access"]
    assert User.objects.get().email == "c@faß.example"


@pytest.mark.parametrize("email", ["jörg@example.com", "ann@☃.example", "ann@" + "ü" * 60 + ".example"])
def test_an_address_that_no_mail_reaches_is_refused_where_it_is_given(api, client, email):
    answer = api.post(REGISTER, {"email": email, "password": PASSWORD})
    assert (answer.status_code, list(answer.json()["details"])) == (422, ["email"])
    page = client.post("/register/", {"email": email, "password": PASSWORD})
    assert page.context["form"].errors.keys() == {"email"}
    assert not User.objects.exists()


def test_staff_cannot_give_an_address_that_no_mail_reaches(api, user, make_user, allow, sign_in):
    allow(make_user("boss@example.com"), "users:read", "users:create", "users:update")
    headers = {"Authorization": f"Bearer {sign_in('boss@example.com')['access']}"}
    answers = [
        api.post("/api/v1/users/", {"email": "jörg@example.com"}, headers=headers),
        api.patch(f"/api/v1/users/{user.pk}/", {"email": "jörg@example.com"}, headers=headers),
        api.post("/api/v1/auth/email/change/", {"email": "jörg@example.com", "password": PASSWORD}, headers=headers),
    ]
    for answer in answers:
        assert (answer.status_code, list(answer.json()["details"])) == (422, ["email"])


def test_an_error_about_an_old_address_names_the_accounts_field(api, user, make_user, allow, sign_in):
    User.objects.filter(pk=user.pk).update(email="jörg@example.com", email_verified_at=None, invited_at=user.created_at)
    allow(make_user("boss@example.com"), "users:read", "users:create")
    headers = {"Authorization": f"Bearer {sign_in('boss@example.com')['access']}"}
    answer = api.post(f"/api/v1/users/{user.pk}/invite/", headers=headers)
    assert (answer.status_code, list(answer.json()["details"])) == (422, ["email"])
