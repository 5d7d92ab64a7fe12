"""Passwords that their owners change."""

import re

import pytest
from django.core import mail

from accounts.models import SecurityEvent
from accounts.tests.account.password_calls import ME, NEW, RESET, bearer, change, reset_token
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_password_change_revokes_reset_links(api, user, sign_in, link_token):
    token = reset_token(api, link_token)
    assert change(api, sign_in()).status_code == 204
    assert api.post(RESET, {"token": token, "password": "Third-Kitchen-5!"}).status_code == 401


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


def test_every_mail_about_a_password_names_when_where_and_the_link(api, user, sign_in):
    change(api, sign_in())
    body = next(m for m in mail.outbox if "/account/not-me/" in m.body).body
    assert "127.0.0.1" in body
    assert re.search(r"\d{4}.* UTC", body)


def test_wrong_present_passwords_lock_like_wrong_sign_ins(api, user, sign_in):
    tokens = sign_in()
    codes = [change(api, tokens, current=f"Wrong-Wrong-{n}!").json()["code"] for n in range(6)]
    assert codes == ["invalid_credentials"] * 5 + ["account_locked"]
