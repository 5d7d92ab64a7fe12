"""Who may register: REGISTRATION and the domains of addresses, over the API and on the page."""

import pytest
from django.core import mail

from accounts.models import User
from accounts.services.staff import users
from conftest import PASSWORD
from foodfleet.core.http.clients import Client

pytestmark = pytest.mark.django_db(transaction=True)
REGISTER = "/api/v1/auth/register/"
BODY = {"email": "ann@example.com", "password": PASSWORD}


@pytest.fixture
def invited(db):
    """Bob, whom staff invited."""
    made = users.create(new=users.NewAccount(email="bob@example.com"), actor=None, client=Client())
    mail.outbox.clear()
    return made


def test_closed_registration_is_refused_alike_for_every_address(api, settings, user, invited):
    settings.REGISTRATION = "closed"
    answers = [api.post(REGISTER, {**BODY, "email": email}) for email in (user.email, invited.email, "new@example.com")]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "registration_closed")}
    assert len({answer.json()["error"] for answer in answers}) == 1
    assert not mail.outbox


def test_with_invite_everybody_gets_one_answer_and_only_the_invited_a_link(api, settings, invited, link_token, sign_in):
    settings.REGISTRATION = "invite"
    answers = [api.post(REGISTER, {**BODY, "email": email}) for email in (invited.email, "new@example.com")]
    assert {(answer.status_code, answer.json()["detail"]) for answer in answers} == {
        (202, "If this address was invited, we sent it an e-mail that says what comes next.")
    }
    assert not User.objects.with_email("new@example.com").exists()
    assert [message.to for message in mail.outbox] == [[invited.email]]
    body = {"token": link_token("/password/reset/", to=invited.email), "password": PASSWORD}
    assert api.post("/api/v1/auth/password/reset/", body).status_code == 204
    assert sign_in(invited.email)["access"]


def test_without_protection_against_enumeration_the_uninvited_hear_why(api, settings, invited):
    settings.REGISTRATION, settings.ACCOUNTS_PREVENT_ENUMERATION = "invite", False
    answer = api.post(REGISTER, BODY)
    assert (answer.status_code, answer.json()["code"]) == (403, "registration_closed")
    assert api.post(REGISTER, {**BODY, "email": invited.email}).status_code == 422
    assert mail.outbox[-1].to == [invited.email]


@pytest.mark.parametrize("mode", ["invite", "closed"])
def test_staff_create_accounts_and_earlier_registrations_end_in_every_mode(api, settings, mode, link_token):
    api.post(REGISTER, BODY)
    settings.REGISTRATION = mode
    assert api.post("/api/v1/auth/email/verify/", {"token": link_token("/email/verify/")}).status_code == 204
    assert users.create(new=users.NewAccount(email="new@example.com"), actor=None, client=Client()).pk


@pytest.mark.parametrize(
    ("allowed", "blocked", "email", "is_allowed"),
    [
        (["example.com"], [], "a@example.com", True),
        (["example.com"], [], "a@EXAMPLE.com", True),
        (["example.com"], [], "a@sub.example.com", False),
        (["example.com"], [], "a@notexample.com", False),
        ([".example.com"], [], "a@sub.example.com", True),
        ([".example.com"], [], "a@example.com", True),
        ([".example.com"], [], "a@notexample.com", False),
        ([".example.com"], ["bad.example.com"], "a@bad.example.com", False),
        ([], [".example.com"], "a@sub.example.com", False),
        ([], [".example.com"], "a@example.org", True),
        (["b\u00fccher.example"], [], "a@xn--bcher-kva.example", True),
        (["fa\u00df.example"], [], "a@fass.example", False),
    ],
)
def test_domains_decide_who_registers(api, settings, allowed, blocked, email, is_allowed):
    settings.REGISTRATION_ALLOWED_DOMAINS, settings.REGISTRATION_BLOCKED_DOMAINS = allowed, blocked
    answer = api.post(REGISTER, {**BODY, "email": email})
    assert answer.status_code == (202 if is_allowed else 422)
    if not is_allowed:
        assert answer.json()["details"]["email"][0]["code"] == "domain_not_allowed"
        assert not User.objects.exists()


def test_owners_change_only_to_allowed_domains_and_staff_to_any(api, user, sign_in, settings):
    settings.REGISTRATION_ALLOWED_DOMAINS = ["example.com"]
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in()['access']}")
    answer = api.post("/api/v1/auth/email/change/", {"email": "ann@other.example", "password": PASSWORD})
    assert answer.json()["details"]["email"][0]["code"] == "domain_not_allowed"
    made = users.create(new=users.NewAccount(email="new@other.example"), actor=None, client=Client())
    assert made.email == "new@other.example"


def test_the_pages_say_why_and_what_to_do(client, settings):
    settings.SUPPORT_EMAIL = "help@example.com"
    assert "/register/" in client.get("/login/").content.decode()
    settings.REGISTRATION = "invite"
    assert "You need an invitation." in client.get("/register/").content.decode()
    assert "If this address was invited" in client.post("/register/", BODY).content.decode()
    assert "/register/" not in client.get("/login/").content.decode()
    settings.REGISTRATION = "closed"
    for answer in (client.get("/register/"), client.post("/register/", BODY)):
        assert answer.status_code == 403
        assert "Registration is closed" in answer.content.decode()
        assert "mailto:help@example.com" in answer.content.decode()
    assert "/register/" not in client.get("/login/").content.decode()
    assert not User.objects.exists()


def test_the_page_shows_a_refused_domain_beside_the_field(client, settings):
    settings.REGISTRATION_BLOCKED_DOMAINS = ["example.com"]
    answer = client.post("/register/", BODY)
    assert answer.status_code == 422
    assert "Addresses of this domain cannot be used here." in answer.content.decode()
