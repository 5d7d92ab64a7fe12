"""Another e-mail address: confirmed, undone, contested."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import OneTimeToken, User
from conftest import PASSWORD, bearer

pytestmark = pytest.mark.django_db(transaction=True)

CHANGE = "/api/v1/auth/email/change/"
NEW = "ann.new@example.com"


def ask(api, tokens, email=NEW, password=PASSWORD):
    return api.post(CHANGE, {"email": email, "password": password}, headers=bearer(tokens))


def test_an_address_changes_once_it_is_confirmed_from_the_new_one(api, user, sign_in, link_token):
    tokens = sign_in()
    assert ask(api, tokens).status_code == 202
    user.refresh_from_db()
    assert user.email == "ann@example.com"
    token = link_token("/account/email/confirm/", to=NEW)
    assert api.post(f"{CHANGE}confirm/", {"token": token}).status_code == 204
    assert sign_in(email=NEW)["user"]["email"] == NEW
    assert api.post("/api/v1/auth/login/", {"email": "ann@example.com", "password": PASSWORD}).status_code == 401
    assert api.post(f"{CHANGE}confirm/", {"token": token}).json()["code"] == "invalid_token"


def test_a_change_of_address_asks_for_the_password(api, user, sign_in):
    assert ask(api, sign_in(), password="Wrong-Wrong-1!").json()["code"] == "invalid_credentials"
    assert not OneTimeToken.objects.filter(purpose="change_email").exists()


def test_the_former_address_is_notified_and_can_undo_for_72_hours(api, user, sign_in, link_token):
    tokens = sign_in()
    ask(api, tokens)
    api.post(f"{CHANGE}confirm/", {"token": link_token("/account/email/confirm/", to=NEW)})
    notice = [m for m in mail.outbox if m.to == ["ann@example.com"] and "/account/email/undo/" in m.body]
    assert len(notice) == 2  # for the request and for the change
    undo = OneTimeToken.objects.filter(purpose="undo_email").latest("pk")
    assert timedelta(hours=71) < undo.expires_at - timezone.now() <= timedelta(hours=72)
    token = link_token("/account/email/undo/", to="ann@example.com")
    assert api.post(f"{CHANGE}undo/", {"token": token}).status_code == 204
    user.refresh_from_db()
    assert user.email == "ann@example.com"
    assert api.get("/api/v1/users/me/", headers=bearer(tokens)).status_code == 401
    assert api.post(f"{CHANGE}undo/", {"token": token}).status_code == 401


def test_undoing_before_the_confirmation_cancels_the_change(api, user, sign_in, link_token):
    ask(api, sign_in())
    assert api.post(f"{CHANGE}undo/", {"token": link_token("/account/email/undo/")}).status_code == 204
    assert api.post(f"{CHANGE}confirm/", {"token": link_token("/account/email/confirm/")}).status_code == 401


def test_a_thief_who_changes_the_address_twice_is_undone_all_the_same(api, user, sign_in, link_token):
    tokens = sign_in()
    for email in (NEW, "thief@example.com"):
        ask(api, tokens, email=email)
        api.post(f"{CHANGE}confirm/", {"token": link_token("/account/email/confirm/", to=email)})
    owners = link_token("/account/email/undo/", to="ann@example.com")
    thiefs = link_token("/account/email/undo/", to=NEW)
    assert api.post(f"{CHANGE}undo/", {"token": owners}).status_code == 204
    assert User.objects.get(pk=user.pk).email == "ann@example.com"
    assert api.post(f"{CHANGE}undo/", {"token": thiefs}).status_code == 401


def test_a_report_from_the_former_address_restores_it(api, client, user, sign_in, link_token):
    ask(api, sign_in())
    api.post(f"{CHANGE}confirm/", {"token": link_token("/account/email/confirm/", to=NEW)})
    token = link_token("/account/not-me/", to="ann@example.com")
    mail.outbox.clear()
    assert client.post(f"/account/not-me/{token}/").status_code == 200
    assert [m.to for m in mail.outbox] == [["ann@example.com"]]
    assert link_token("/password/reset/", to="ann@example.com")


def test_an_unverified_account_at_the_former_address_does_not_block_undo(api, user, sign_in, link_token):
    ask(api, sign_in())
    api.post(f"{CHANGE}confirm/", {"token": link_token("/account/email/confirm/", to=NEW)})
    undo = link_token("/account/email/undo/", to="ann@example.com")
    api.post("/api/v1/auth/register/", {"email": "ann@example.com", "password": PASSWORD})
    assert User.objects.filter(email="ann@example.com").exists()
    assert api.post(f"{CHANGE}undo/", {"token": undo}).status_code == 204
    assert User.objects.get(email="ann@example.com").pk == user.pk


def test_a_taken_address_gets_the_same_response_and_no_link(api, user, make_user, sign_in, settings):
    make_user("bob@example.com")
    tokens = sign_in()
    mail.outbox.clear()
    assert ask(api, tokens, email="Bob@example.com").status_code == 202
    assert {m.to[0] for m in mail.outbox} == {"ann@example.com"}
    settings.ACCOUNTS_PREVENT_ENUMERATION = False
    assert ask(api, tokens, email="bob@example.com").json()["code"] == "user_already_exists"


def test_two_who_were_promised_one_address_do_not_both_get_it(api, user, make_user, sign_in, link_token):
    make_user("bob@example.com")
    ask(api, sign_in())
    ask(api, sign_in(email="bob@example.com"))
    tokens = [re.search(r"/account/email/confirm/([\w-]+)/", m.body)[1] for m in mail.outbox if m.to == [NEW]]
    answers = [api.post(f"{CHANGE}confirm/", {"token": token}) for token in tokens]
    assert [a.status_code for a in answers] == [204, 422]
    assert answers[1].json()["code"] == "user_already_exists"


def test_links_that_went_to_the_old_address_open_nothing_after_the_change(api, user, sign_in, link_token):
    tokens = sign_in()
    api.post("/api/v1/auth/password/forgot/", {"email": user.email})
    reset = link_token("/password/reset/")
    ask(api, tokens)
    api.post(f"{CHANGE}confirm/", {"token": link_token("/account/email/confirm/", to=NEW)})
    answer = api.post("/api/v1/auth/password/reset/", {"token": reset, "password": "Other-Kitchen-77?"})
    assert answer.json()["code"] == "invalid_token"
