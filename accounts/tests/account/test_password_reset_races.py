"""A password link that is used many times at once, and what it does not give access to."""

from collections import Counter
from threading import Barrier, Thread

import pytest
from django.core import mail
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import PasswordHistory, SecurityEvent, Session
from accounts.services.one_time import tokens as one_time_tokens
from accounts.states import TokenPurpose
from accounts.tests import scenarios
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

FORGOT, RESET = "/api/v1/auth/password/forgot/", "/api/v1/auth/password/reset/"
NEW = "Other-Kitchen-77?"
MANY = 50


def at_once(call):
    """Call `call(n)` in MANY threads at once; return the results."""
    barrier, answers = Barrier(MANY), []

    def run(number):
        barrier.wait()
        try:
            answers.append(call(number))
        finally:
            connection.close()

    threads = [Thread(target=run, args=(number,)) for number in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(answers)


def test_of_fifty_uses_at_once_of_a_link_one_succeeds_on_any_database(user, sign_in):
    sign_in()
    token = one_time_tokens.issue(user, TokenPurpose.RESET_PASSWORD)

    def use(number):
        body = {"token": token, "password": f"Kitchen-{number}-New!x"}
        answer = APIClient(raise_request_exception=False).post(RESET, body)
        return answer.status_code, answer.json()["code"] if answer.content else ""

    assert at_once(use) == {(204, ""): 1, (401, "invalid_token"): MANY - 1}
    assert SecurityEvent.objects.filter(kind="password_reset").count() == 1
    assert PasswordHistory.objects.count() == 1
    assert not Session.objects.filter(ended_at__isnull=True).exists()


def test_of_fifty_uses_at_once_on_the_page_one_succeeds(user):
    page = f"/password/reset/{one_time_tokens.issue(user, TokenPurpose.RESET_PASSWORD)}/"

    def use(number):
        return Browser(raise_request_exception=False).post(page, {"password": f"Kitchen-{number}-New!x"}).status_code

    assert at_once(use) == {200: 1, 400: MANY - 1}


def test_two_links_of_one_user_at_once_give_one_password(user):
    tokens = [one_time_tokens.issue(user, TokenPurpose.RESET_PASSWORD) for _ in range(MANY)]

    def use(number):
        body = {"token": tokens[number], "password": f"Kitchen-{number}-New!x"}
        return APIClient(raise_request_exception=False).post(RESET, body).status_code

    assert at_once(use) == {204: 1, 401: MANY - 1}


@pytest.mark.parametrize(
    ("fields", "mails"),
    [
        ({}, 1),
        ({"email_verified_at": None, "invited_at": timezone.now()}, 1),
        ({"email_verified_at": None}, 0),
        ({"is_active": False}, 0),
        ({"invited_at": timezone.now(), "is_active": False}, 0),
        ({"deleted_at": timezone.now()}, 0),
        ({"locked_at": timezone.now()}, 1),
    ],
)
def test_a_link_goes_to_confirmed_and_invited_addresses_of_open_accounts(api, make_user, fields, mails):
    make_user(**fields)
    assert api.post(FORGOT, {"email": "ann@example.com"}).status_code == 202
    assert len(mail.outbox) == mails


def test_a_reset_opens_no_lock_by_staff_and_signs_nobody_in(api, make_user, link_token):
    make_user(locked_at=timezone.now())
    api.post(FORGOT, {"email": "ann@example.com"})
    browser = Browser()
    done = browser.post(f"/password/reset/{link_token('/password/reset/')}/", {"password": NEW})
    assert done.status_code == 200
    assert browser.get("/account/").status_code == 302
    refused = api.post("/api/v1/auth/login/", {"email": "ann@example.com", "password": NEW})
    assert refused.json()["code"] == "account_locked"


@pytest.mark.parametrize("purpose", ["reset_password", "invitation"])
def test_a_password_reset_never_skips_mfa(actions, purpose):
    actions.protect()
    token = one_time_tokens.issue(actions.user, TokenPurpose(purpose))
    assert actions.post("/auth/password/reset/", {"token": token, "password": NEW}).status_code == 204
    assert actions.sign_in(password=NEW)["two_factor_required"] is True
    page = actions.page("/login/", {"email": actions.user.email, "password": NEW})
    assert page.headers["Location"] == "/login/verify/"
    assert actions.browser.get("/account/").status_code == 302


def test_a_reset_of_mfa_forgets_trusted_browsers(actions):
    scenarios.two_factor_enabled(actions)
    actions.page("/login/", {"email": actions.user.email, "password": PASSWORD})
    step = {"method": "backup_code", "code": actions.codes[0], "remember_browser": "on"}
    assert actions.page("/login/verify/?method=backup_code", step).headers["Location"] == "/account/"
    actions.page("/logout/")
    again = actions.page("/login/", {"email": actions.user.email, "password": PASSWORD})
    assert again.headers["Location"] == "/account/"  # it skips it
    token = one_time_tokens.issue(actions.user, TokenPurpose.RESET_PASSWORD)
    actions.post("/auth/password/reset/", {"token": token, "password": NEW})
    assert (
        actions.page("/login/", {"email": actions.user.email, "password": NEW}).headers["Location"] == "/login/verify/"
    )


def test_on_the_pages_too_who_must_change_the_password_can_do_nothing_else(make_user):
    make_user(must_change_password=True)
    browser = Browser()
    browser.post("/login/", {"email": "ann@example.com", "password": PASSWORD})
    for page in ("/account/", "/account/sessions/"):
        answer = browser.get(page)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/account/security/#password")
    assert browser.get("/account/security/").status_code == 200
    browser.post("/account/password/", {"current_password": PASSWORD, "new_password": NEW})
    assert browser.get("/account/").status_code == 200
