"""Every security email has a report link: it asks for a confirmation, works once, and ends the attacker's access."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection
from django.test import Client as Browser
from rest_framework.test import APIClient

from accounts.models import Passkey, SecurityEvent, Session, TOTPDevice, User
from accounts.tests import scenarios
from accounts.tests.authenticator import Authenticator
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "Third-Kitchen-5!"


def new_device_used(w):
    w.sign_in()
    device = {"headers": {"User-Agent": "Tablet/2.0"}, "REMOTE_ADDR": "203.0.113.9"}
    APIClient().post("/api/v1/auth/login/", {"email": w.user.email, "password": PASSWORD}, **device)


MAILS = {
    "password_changed": scenarios.password_changed,
    "password_reset_done": scenarios.password_reset,
    "email_change_notice": scenarios.email_change_requested,
    "email_changed": scenarios.email_changed,
    "phone_changed": scenarios.phone_changed,
    "two_factor_enabled": scenarios.two_factor_enabled,
    "two_factor_disabled": scenarios.two_factor_disabled,
    "account_locked": scenarios.sign_in_locked,
    "account_locked, by codes": scenarios.two_factor_blocked,
    "backup_code_used": scenarios.backup_code_used,
    "backup_codes_regenerated": scenarios.backup_codes_made,
    "passkey_added": scenarios.passkey_added,
    "passkey_removed": scenarios.passkey_removed,
    "new_device": new_device_used,
}


def link_in(message):
    return re.search(r"/account/not-me/[\w-]+/", message.body)[0]


def newest_with_link():
    """Mails that one event causes, to the old address and to the new one, arrive in any order."""
    return next(message for message in reversed(mail.outbox) if "/account/not-me/" in message.body)


@pytest.mark.parametrize("what", MAILS)
def test_each_security_email_has_a_report_link_that_works_once(actions, what):
    from notifications.models import Message

    MAILS[what](actions)
    message = newest_with_link()
    assert what.partition(",")[0] in Message.objects.values_list("template", flat=True)
    assert message.to == ["ann@example.com"]
    page, browser = link_in(message), Browser()
    live = Session.objects.filter(ended_at__isnull=True).count()
    password = User.objects.get(pk=actions.user.pk).password
    mail.outbox.clear()

    pending = browser.get(page)
    assert pending.status_code == 200
    assert b"<form" in pending.content
    assert browser.head(page).status_code == 200
    assert Session.objects.filter(ended_at__isnull=True).count() == live
    assert User.objects.get(pk=actions.user.pk).password == password

    assert browser.post(page).status_code == 200
    assert not Session.objects.filter(ended_at__isnull=True).exists()
    assert not User.objects.get(pk=actions.user.pk).has_usable_password()
    assert SecurityEvent.objects.filter(kind="not_me", user=actions.user).count() == 1
    assert [browser.post(page).status_code, browser.get(page).status_code] == [400, 400]
    assert [one.to for one in mail.outbox] == [["ann@example.com"]]
    back = {"token": actions.link_token("/password/reset/"), "password": NEW}
    assert actions.post("/auth/password/reset/", back).status_code == 204


def test_verification_removes_passkeys_added_before_it(actions):
    actions.sign_in()
    key = Authenticator()
    pending = actions.ask("/auth/passkeys/options/")
    body = {"challenge": pending["challenge"], "credential": key.create(pending["options"]), "name": "Mine"}
    actions.ask("/auth/passkeys/", {**body, "passwordless": True})

    def by_passkey_alone():
        ceremony = actions.post("/auth/login/passkey/").json()
        answer = {"challenge": ceremony["challenge"], "credential": key.get(ceremony["options"])}
        return actions.post("/auth/login/passkey/verify/", answer).status_code

    assert by_passkey_alone() == 200
    Browser().post(link_in(newest_with_link()))
    assert by_passkey_alone() == 401
    assert Passkey.objects.get().passwordless is False


def test_reading_the_owners_email_is_not_enough_to_remove_mfa(actions):
    scenarios.password_changed(actions)
    actions.protect()
    Browser().post(link_in(newest_with_link()))
    actions.post("/auth/password/reset/", {"token": actions.link_token("/password/reset/"), "password": NEW})
    assert actions.sign_in(password=NEW)["two_factor_required"] is True
    assert TOTPDevice.objects.filter(user=actions.user).exists()


def test_verification_removes_a_phone_confirmed_before_it(actions):
    scenarios.phone_changed(actions)
    actions.protect()
    Browser().post(link_in(newest_with_link()))
    actions.post("/auth/password/reset/", {"token": actions.link_token("/password/reset/"), "password": NEW})
    assert "sms" not in actions.sign_in(password=NEW)["methods"]


def test_a_sign_in_that_waits_for_its_code_is_over(actions):
    scenarios.two_factor_enabled(actions)
    page = link_in(newest_with_link())
    challenge = actions.sign_in()["challenge"]
    Browser().post(page)
    answer = {"challenge": challenge, "method": "backup_code", "code": actions.codes[0]}
    assert actions.post("/auth/login/verify/", answer).status_code == 401


def test_verifying_a_contested_address_removes_everything_set_up_before(actions, settings):
    settings.ACCOUNTS_EMAIL_VERIFICATION = "optional"
    for password in (PASSWORD, "Other-Kitchen-77?"):
        actions.post("/auth/register/", {"email": "eve@example.com", "password": password})
    actions.user = User.objects.get(email="eve@example.com")
    scenarios.phone_changed(actions)
    scenarios.two_factor_enabled(actions)
    pending = actions.ask("/auth/passkeys/options/")
    key = Authenticator()
    body = {"challenge": pending["challenge"], "credential": key.create(pending["options"]), "name": "Key"}
    actions.ask("/auth/passkeys/", {**body, "passwordless": True})
    not_me = link_in(newest_with_link())

    token = actions.link_token("/email/verify/", to="eve@example.com")
    assert actions.post("/auth/email/verify/", {"token": token}).status_code == 204
    assert actions.post("/users/me/", method="get", signed_in=True).status_code == 401
    assert Browser().get(not_me).status_code == 400
    back = {"token": actions.link_token("/password/reset/", to="eve@example.com"), "password": NEW}
    assert actions.post("/auth/password/reset/", back).status_code == 204
    assert actions.sign_in(password=NEW)["access"]
    assert actions.ask("/auth/2fa/", method="get") == {"enabled": False, "methods": [], "backup_codes_remaining": 0}
    user = User.objects.get(pk=actions.user.pk)
    assert (user.phone, user.phone_verified_at) == ("", None)
    assert not Passkey.objects.exists()


def test_of_many_uses_of_a_link_at_once_one_acts_and_one_reset_is_mailed(actions):
    scenarios.password_changed(actions)
    page, start = link_in(newest_with_link()), Barrier(8)
    mail.outbox.clear()

    def use(_number):
        start.wait()
        try:
            return Browser(raise_request_exception=False).post(page).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(use, range(8)))
    assert answers == [200] + [400] * 7
    assert [message.to for message in mail.outbox] == [["ann@example.com"]]
    assert SecurityEvent.objects.filter(kind="not_me").count() == 1
