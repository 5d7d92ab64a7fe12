"""Passwords: changed, forgotten, reset, remembered."""

import re
from datetime import timedelta
from itertools import pairwise

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import OneTimeToken, PasswordHistory, SecurityEvent, Session, User
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

CHANGE = "/api/v1/auth/password/change/"
FORGOT = "/api/v1/auth/password/forgot/"
RESET = "/api/v1/auth/password/reset/"
ME = "/api/v1/users/me/"
NEW = "Other-Kitchen-77?"


def bearer(tokens):
    return {"Authorization": f"Bearer {tokens['access']}"}


def change(api, tokens, current=PASSWORD, new=NEW):
    return api.post(CHANGE, {"current_password": current, "new_password": new}, headers=bearer(tokens))


def reset_token(api, link_token, email="ann@example.com"):
    assert api.post(FORGOT, {"email": email}).status_code == 202
    return link_token("/password/reset/", to=email)


def test_a_changed_password_ends_every_other_session_and_is_mailed(api, user, sign_in):
    here, there = sign_in(), sign_in()
    assert change(api, here).status_code == 204
    assert api.get(ME, headers=bearer(here)).status_code == 200
    assert api.get(ME, headers=bearer(there)).status_code == 401
    assert sign_in(password=NEW)["access"]
    assert api.post("/api/v1/auth/login/", {"email": user.email, "password": PASSWORD}).status_code == 401
    changed = next(m for m in mail.outbox if "/account/not-me/" in m.body)
    assert changed.to == [user.email]
    assert SecurityEvent.objects.filter(user=user, kind="password_changed").count() == 1


def test_a_password_change_requires_the_current_password(api, user, sign_in):
    answer = change(api, sign_in(), current="Wrong-Wrong-1!")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")


@pytest.mark.parametrize(
    "password", ["Sh0rt!", "no-upper-case-1!", "NO-LOWER-CASE-1!", "No-Digit-Here!", "NoSpecial123", "x" * 200]
)
def test_a_weak_password_is_refused_and_named_by_its_field(api, user, sign_in, password):
    answer = change(api, sign_in(), new=password)
    assert (answer.status_code, answer.json()["code"]) == (422, "weak_password")
    assert answer.json()["details"]["new_password"]


def test_none_of_the_last_five_passwords_comes_again(api, user, sign_in):
    tokens = sign_in()
    passwords = [PASSWORD] + [f"Kitchen-Number-{n}!" for n in range(1, 6)]
    for current, new in pairwise(passwords[:5]):
        assert change(api, tokens, current, new).status_code == 204
    for old in passwords[:5]:
        answer = change(api, tokens, passwords[4], old)
        assert (answer.status_code, answer.json()["code"]) == (422, "password_reused")
        assert answer.json()["details"]["new_password"][0]["code"] == "password_reused"
    assert change(api, tokens, passwords[4], passwords[5]).status_code == 204
    assert change(api, tokens, passwords[5], PASSWORD).status_code == 204
    stored = PasswordHistory.objects.filter(user=user)
    assert stored.count() == 4
    assert all(row.password.startswith("bcrypt_sha256$") for row in stored)


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


def test_a_password_change_revokes_reset_links(api, user, sign_in, link_token):
    token = reset_token(api, link_token)
    assert change(api, sign_in()).status_code == 204
    assert api.post(RESET, {"token": token, "password": "Third-Kitchen-5!"}).status_code == 401


@pytest.mark.parametrize("fields", [{"email_verified_at": None}, {"is_active": False}])
def test_only_confirmed_or_invited_addresses_of_active_users_get_a_link(api, make_user, fields):
    make_user(**fields)
    answers = [api.post(FORGOT, {"email": email}) for email in ("ann@example.com", "nobody@example.com")]
    assert [a.status_code for a in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert mail.outbox == []


def test_who_must_change_the_password_can_do_nothing_else(api, make_user, sign_in):
    user = make_user(must_change_password=True)
    tokens = sign_in()
    for path in (ME, "/api/v1/auth/2fa/", "/api/v1/auth/sessions/"):
        refused = api.get(path, headers=bearer(tokens))
        assert (refused.status_code, refused.json()["code"]) in {(403, "password_change_required"), (404, "not_found")}
    assert api.get(ME, headers=bearer(tokens)).status_code == 403
    assert change(api, tokens).status_code == 204
    assert api.get(ME, headers=bearer(tokens)).status_code == 200
    user.refresh_from_db()
    assert not user.must_change_password


def test_a_hash_is_renewed_at_sign_in_when_the_rounds_have_changed(user, sign_in, settings):
    assert "$04$" in user.password
    settings.BCRYPT_ROUNDS = 5
    sign_in()
    user.refresh_from_db()
    assert "$05$" in user.password
    assert sign_in()["access"]
    assert not PasswordHistory.objects.exists()


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


def test_every_mail_about_a_password_names_when_where_and_the_link(api, user, sign_in):
    change(api, sign_in())
    body = next(m for m in mail.outbox if "/account/not-me/" in m.body).body
    assert "127.0.0.1" in body
    assert re.search(r"\d{4}.* UTC", body)


def test_a_null_character_is_refused(api, user, sign_in):
    assert change(api, sign_in(), new="Kitchen-\x00Number-1!").status_code == 422


@pytest.mark.parametrize("purpose", ["verify_email", "not_me", "change_email", "undo_email"])
def test_another_links_token_resets_nothing(api, user, purpose):
    from accounts.services.one_time import tokens as one_time_tokens
    from accounts.states import TokenPurpose

    token = one_time_tokens.issue(user, TokenPurpose(purpose))
    assert api.post(RESET, {"token": token, "password": NEW}).json()["code"] == "invalid_token"
    assert User.objects.get(pk=user.pk).password == user.password


def test_wrong_present_passwords_lock_like_wrong_sign_ins(api, user, sign_in):
    tokens = sign_in()
    codes = [change(api, tokens, current=f"Wrong-Wrong-{n}!").json()["code"] for n in range(6)]
    assert codes == ["invalid_credentials"] * 5 + ["account_locked"]


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
