"""Passwords that are forgotten: the link, what it opens, and its limits."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import OneTimeToken, Session, User
from accounts.tests.account.password_calls import FORGOT, ME, NEW, RESET, bearer, change, reset_token
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_forgotten_password_is_replaced_by_the_link_of_a_mail_once(api, user, sign_in, link_token):
    before = sign_in()
    token = reset_token(api, link_token)
    assert api.post(RESET, {"token": token, "password": NEW}).status_code == 204
    assert api.get(ME, headers=bearer(before)).status_code == 401
    assert api.post("/api/v1/auth/refresh/", {"refresh": before["refresh"]}).status_code == 401
    assert sign_in(password=NEW)["access"]
    again = api.post(RESET, {"token": token, "password": "Third-Kitchen-5!"})
    assert (again.status_code, again.json()["code"]) == (401, "invalid_token")


def test_a_rejected_password_does_not_consume_the_link(api, user, link_token):
    token = reset_token(api, link_token)
    assert api.post(RESET, {"token": token, "password": "weak"}).json()["code"] == "weak_password"
    assert api.post(RESET, {"token": token, "password": PASSWORD}).json()["code"] == "password_reused"
    assert api.post(RESET, {"token": token, "password": NEW}).status_code == 204


def test_a_link_lasts_fifteen_minutes(api, user, link_token):
    token = reset_token(api, link_token)
    row = OneTimeToken.objects.get(purpose="reset_password")
    assert timedelta(minutes=14) < row.expires_at - timezone.now() <= timedelta(minutes=15)
    OneTimeToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert api.post(RESET, {"token": token, "password": NEW}).json()["code"] == "invalid_token"


def test_a_reset_revokes_the_other_links(api, user, link_token):
    first = reset_token(api, link_token)
    second = reset_token(api, link_token)
    assert api.post(RESET, {"token": second, "password": NEW}).status_code == 204
    assert api.post(RESET, {"token": first, "password": "Third-Kitchen-5!"}).status_code == 401


@pytest.mark.parametrize("fields", [{"email_verified_at": None}, {"is_active": False}])
def test_only_confirmed_or_invited_addresses_of_active_users_get_a_link(api, make_user, fields):
    make_user(**fields)
    answers = [api.post(FORGOT, {"email": email}) for email in ("ann@example.com", "nobody@example.com")]
    assert [a.status_code for a in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert mail.outbox == []


def test_a_report_link_confirms_then_disables_the_password(api, client, user, sign_in, link_token):
    tokens = sign_in()
    change(api, tokens)
    token = link_token("/account/not-me/")
    page = f"/account/not-me/{token}/"
    assert client.get(page).status_code == 200
    assert api.get(ME, headers=bearer(tokens)).status_code == 200  # asking changes nothing
    assert client.post(page).status_code == 200
    assert api.get(ME, headers=bearer(tokens)).status_code == 401
    assert not Session.objects.filter(user=user, ended_at__isnull=True).exists()
    assert api.post("/api/v1/auth/login/", {"email": user.email, "password": NEW}).status_code == 401
    assert client.post(page).status_code == 400
    assert client.get(page).status_code == 400
    back = link_token("/password/reset/")
    assert api.post(RESET, {"token": back, "password": NEW}).json()["code"] == "password_reused"
    assert api.post(RESET, {"token": back, "password": "Third-Kitchen-5!"}).status_code == 204
    assert sign_in(password="Third-Kitchen-5!")["access"]


@pytest.mark.parametrize("purpose", ["verify_email", "not_me", "change_email", "undo_email"])
def test_another_links_token_resets_nothing(api, user, purpose):
    from accounts.services.one_time import tokens as one_time_tokens
    from accounts.states import TokenPurpose

    token = one_time_tokens.issue(user, TokenPurpose(purpose))
    assert api.post(RESET, {"token": token, "password": NEW}).json()["code"] == "invalid_token"
    assert User.objects.get(pk=user.pk).password == user.password


def test_a_reset_opens_a_lock_by_wrong_passwords(api, user, sign_in, link_token):
    login = {"email": user.email, "password": "Wrong-Wrong-1!"}
    for _ in range(6):
        api.post("/api/v1/auth/login/", login)
    assert api.post("/api/v1/auth/login/", {**login, "password": PASSWORD}).json()["code"] == "account_locked"
    assert api.post(RESET, {"token": reset_token(api, link_token), "password": NEW}).status_code == 204
    assert sign_in(password=NEW)["access"]


def test_nobodys_mailbox_gets_more_than_ten_reset_mails_an_hour(api, user, settings, monkeypatch):
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "forgot": (1000, 60)}
    now = [500_000 * 3600.0 - 120]
    monkeypatch.setattr("foodfleet.core.cache.rate_limits.time", lambda: now[0])
    for _ in range(24):
        now[0] += 10
        assert api.post(FORGOT, {"email": user.email}).status_code == 202
    assert len(mail.outbox) == 10
