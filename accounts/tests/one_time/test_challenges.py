"""The second step of a sign-in ends with the password that began it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import Session
from accounts.services.account import password_change
from accounts.tests.authenticator_app import app_code
from conftest import PASSWORD, bearer
from foodfleet.core.http.clients import Client

pytestmark = pytest.mark.django_db(transaction=True)
NEW_PASSWORD = "Another-Fleet-2026!"


@pytest.fixture
def backup_codes(api, user, sign_in):
    """Enable MFA for Ann; return her backup codes and the session's tokens."""
    tokens = sign_in()
    setup = api.post("/api/v1/auth/2fa/setup/", {"password": PASSWORD}, headers=bearer(tokens)).json()
    body = {"code": app_code(setup["secret"], -1)}
    return api.post("/api/v1/auth/2fa/verify/", body, headers=bearer(tokens)).json()["backup_codes"], tokens


def answer(challenge, code):
    body = {"challenge": challenge, "method": "backup_code", "code": code}
    return APIClient(raise_request_exception=False).post("/api/v1/auth/login/verify/", body)


def reset(api, user, tokens, link_token):
    api.post("/api/v1/auth/password/forgot/", {"email": user.email})
    body = {"token": link_token("/password/reset/"), "password": NEW_PASSWORD}
    return api.post("/api/v1/auth/password/reset/", body)


def change(api, user, tokens, link_token):
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    return api.post("/api/v1/auth/password/change/", body, headers=bearer(tokens))


def staff(api, user, tokens, link_token):
    password_change.replace_for(user=user, new=NEW_PASSWORD, actor=None, client=Client())


def not_me(api, user, tokens, link_token):
    api.post(f"/account/not-me/{link_token('/account/not-me/')}/")


@pytest.mark.parametrize("replace", [reset, change, staff, not_me])
def test_a_password_change_revokes_open_challenges(replace, api, user, sign_in, backup_codes, link_token):
    codes, tokens = backup_codes
    challenge, untouched = sign_in()["challenge"], sign_in()["challenge"]
    assert answer(untouched, codes[0]).status_code == 200
    replace(api, user, tokens, link_token)
    user.refresh_from_db()
    assert not user.check_password(PASSWORD)
    refused = answer(challenge, codes[1])
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_2fa_code")


def test_an_answer_that_a_reset_overtakes_begins_no_session(api, user, sign_in, backup_codes, link_token):
    challenge = sign_in()["challenge"]
    consumed, may_go_on = Event(), Event()

    def pause_once_the_challenge_is_consumed(execute, sql, *rest):
        result = execute(sql, *rest)
        if sql.startswith("UPDATE") and "accounts_challenge" in sql and "attempts" not in sql.partition("WHERE")[0]:
            consumed.set()
            may_go_on.wait(20)
        return result

    def slowly():
        try:
            with connection.execute_wrapper(pause_once_the_challenge_is_consumed):
                return answer(challenge, backup_codes[0][0]).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        answering = pool.submit(slowly)
        assert consumed.wait(20)
        assert reset(api, user, None, link_token).status_code == 204
        may_go_on.set()
        assert answering.result() == 401
    assert not Session.objects.filter(ended_at__isnull=True).exists()
