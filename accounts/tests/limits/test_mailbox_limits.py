"""No mailbox is flooded: at most ten emails an hour that anonymous requests cause go to one address."""

import pytest
from django.core import mail

from accounts.models import OneTimeToken, User
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

MAILS_AN_HOUR = 10
OTHER = "Other-Kitchen-77?"
VICTIM = "victim@example.com"


@pytest.fixture(autouse=True)
def _limits(settings):
    """No limit by IP address: the one by mailbox does not depend on it."""
    settings.THROTTLE_RATES = dict.fromkeys(settings.THROTTLE_RATES)
    settings.EMAIL_LIMIT_ADDRESS = (MAILS_AN_HOUR, 3600)


def flood(call):
    answers = [call() for _ in range(MAILS_AN_HOUR + 3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len([message for message in mail.outbox if message.to == [VICTIM]]) == MAILS_AN_HOUR


@pytest.mark.parametrize("state", ["no account", "taken", "waiting"])
def test_registration_floods_nobody(api, make_user, state):
    if state != "no account":
        make_user(VICTIM, **({} if state == "taken" else {"email_verified_at": None}))
    flood(lambda: api.post("/api/v1/auth/register/", {"email": VICTIM, "password": PASSWORD}))


def test_repeated_reset_requests_flood_no_mailbox(api, make_user):
    make_user(VICTIM)
    flood(lambda: api.post("/api/v1/auth/password/forgot/", {"email": VICTIM}))


def test_repeated_confirmation_requests_flood_no_mailbox(api, make_user):
    make_user(VICTIM, email_verified_at=None)
    flood(lambda: api.post("/api/v1/auth/email/resend/", {"email": VICTIM}))


def test_registration_reset_and_resend_together_flood_nobody(api, make_user):
    make_user(VICTIM)
    calls = iter(["register", "password/forgot", "email/resend"] * MAILS_AN_HOUR)
    for path in calls:
        api.post(f"/api/v1/auth/{path}/", {"email": VICTIM, "password": PASSWORD})
    assert len([message for message in mail.outbox if message.to == [VICTIM]]) <= MAILS_AN_HOUR


def test_address_changes_flood_no_mailbox(api, user, sign_in):
    headers = {"Authorization": f"Bearer {sign_in()['access']}"}
    body = {"email": VICTIM, "password": PASSWORD}
    flood(lambda: api.post("/api/v1/auth/email/change/", body, headers=headers))


def test_sign_ins_to_an_unverified_address_flood_no_mailbox(api, settings, sign_in):
    settings.ACCOUNTS_EMAIL_VERIFICATION = "optional"
    api.post("/api/v1/auth/register/", {"email": VICTIM, "password": PASSWORD})
    for number in range(MAILS_AN_HOUR + 3):
        headers = {"Authorization": f"Bearer {sign_in(VICTIM)['access']}"}
        body = {"email": f"other{number}@example.com", "password": PASSWORD}
        assert api.post("/api/v1/auth/email/change/", body, headers=headers).status_code == 202
    assert len([message for message in mail.outbox if message.to == [VICTIM]]) == MAILS_AN_HOUR


def test_staff_see_an_error_when_they_invite_too_often(api, make_user, allow, sign_in):
    allow(make_user("boss@example.com"), "users:read", "users:create")
    headers = {"Authorization": f"Bearer {sign_in('boss@example.com')['access']}"}
    made = api.post("/api/v1/users/", {"email": VICTIM}, headers=headers)
    again = [api.post(f"/api/v1/users/{made.json()['id']}/invite/", headers=headers) for _ in range(MAILS_AN_HOUR)]
    assert [answer.status_code for answer in again] == [200] * (MAILS_AN_HOUR - 1) + [429]
    assert len([message for message in mail.outbox if message.to == [VICTIM]]) == MAILS_AN_HOUR


def test_anonymous_requests_do_not_use_up_invitations(api, make_user, allow, sign_in):
    allow(make_user("boss@example.com"), "users:read", "users:create")
    headers = {"Authorization": f"Bearer {sign_in('boss@example.com')['access']}"}
    for _ in range(MAILS_AN_HOUR + 1):
        api.post("/api/v1/auth/password/forgot/", {"email": VICTIM})
    assert api.post("/api/v1/users/", {"email": VICTIM}, headers=headers).status_code == 201
    assert mail.outbox[-1].to == [VICTIM]


def test_past_the_mail_limit_the_last_link_still_works(api, link_token):
    for _ in range(MAILS_AN_HOUR):
        api.post("/api/v1/auth/register/", {"email": VICTIM, "password": PASSWORD})
    token = link_token("/email/verify/")
    api.post("/api/v1/auth/register/", {"email": VICTIM, "password": OTHER})
    assert OneTimeToken.objects.filter(data__contested=True).exists()
    assert api.post("/api/v1/auth/email/verify/", {"token": token}).status_code == 204
    assert not User.objects.get().has_usable_password()


def test_a_mailbox_limit_that_is_off_lets_every_mail_through(api, make_user, settings):
    settings.EMAIL_LIMIT_ADDRESS = None
    make_user(VICTIM)
    for _ in range(MAILS_AN_HOUR + 3):
        api.post("/api/v1/auth/password/forgot/", {"email": VICTIM})
    assert len(mail.outbox) == MAILS_AN_HOUR + 3
