"""Scenarios that several tests share: what can happen to an account, over the API and pages."""

import uuid
from datetime import timedelta

from django.test import Client as Browser
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Session, TOTPDevice, User
from accounts.models.mfa import code_attempts_key
from accounts.tests.authenticator import Authenticator
from accounts.tests.authenticator_app import app_code
from conftest import PASSWORD
from foodfleet.core.models import RateLimit
from rbac.services import roles

V1 = "/api/v1"
NEW = "Other-Kitchen-77?"
WRONG = "Wrong-Guess-1!"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IP = "198.51.100.7"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


class Actions:
    """Requests of Ann and an administrator. Each request has its own id."""

    def __init__(self, user, boss, link_token):
        self.user, self.boss, self.link_token = user, boss, link_token
        self.client = APIClient(raise_request_exception=False)
        self.browser = Browser(raise_request_exception=False)
        self.sms_codes = []

    def sign_in(self, email=None, password=PASSWORD):
        pending = {"email": email or self.user.email, "password": password}
        tokens = self.post("/auth/login/", pending).json()
        self.as_them = {"Authorization": f"Bearer {tokens.get('access')}"}
        self.tokens = tokens
        return tokens

    def post(self, path, body=None, *, method="post", signed_in=False):
        self.request_id = f"test-{uuid.uuid4()}"
        headers = {"X-Request-ID": self.request_id, "User-Agent": AGENT, **(self.as_them if signed_in else {})}
        return getattr(self.client, method)(V1 + path, body or {}, headers=headers, REMOTE_ADDR=IP)

    def ask(self, path, body=None, method="post"):
        """Signed in; must succeed."""
        answer = self.post(path, body, method=method, signed_in=True)
        assert answer.status_code < 300, answer.content
        return answer.json() if answer.content else None

    def page(self, path, body=None):
        self.request_id = f"test-{uuid.uuid4()}"
        headers = {"X-Request-ID": self.request_id, "User-Agent": AGENT}
        return self.browser.post(path, body or {}, headers=headers, REMOTE_ADDR=IP)

    def protect(self):
        TOTPDevice.objects.create(user=self.user, secret=TOTPDevice.encrypt_secret(SECRET), confirmed_at=timezone.now())


def registered(w):
    w.post("/auth/register/", {"email": "new@example.com", "password": PASSWORD})
    w.user = User.objects.get(email="new@example.com")


def email_verified(w):
    registered(w)
    w.post("/auth/email/verify/", {"token": w.link_token("/email/verify/")})


def sign_in_failed(w):
    w.sign_in(password=WRONG)


def sign_in_locked(w):
    for _ in range(5):
        w.sign_in(password=WRONG)


def signed_out(w):
    w.sign_in()
    w.post("/auth/logout/", {"refresh": w.tokens["refresh"]})


def signed_out_on_a_page(w):
    w.page("/login/", {"email": w.user.email, "password": PASSWORD})
    w.page("/logout/")


def token_reused(w):
    refresh = w.sign_in()["refresh"]
    for _ in range(2):
        w.post("/auth/refresh/", {"refresh": refresh})


def by_boss(w, path, body=None, method="post"):
    w.sign_in("boss@example.com")
    w.ask(path, body, method)
    return w.boss


def locked(w):
    return by_boss(w, f"/users/{w.user.pk}/lock/")


def unlocked(w):
    locked(w)
    return by_boss(w, f"/users/{w.user.pk}/unlock/")


def password_changed(w):
    w.sign_in()
    w.ask("/auth/password/change/", {"current_password": PASSWORD, "new_password": NEW})


def password_reset_requested(w):
    w.post("/auth/password/forgot/", {"email": w.user.email})


def password_reset(w):
    password_reset_requested(w)
    w.post("/auth/password/reset/", {"token": w.link_token("/password/reset/"), "password": NEW})


def email_change_requested(w):
    w.sign_in()
    w.ask("/auth/email/change/", {"email": "ann.new@example.com", "password": PASSWORD})


def email_changed(w):
    email_change_requested(w)
    w.post("/auth/email/change/confirm/", {"token": w.link_token("/account/email/confirm/")})


def email_change_undone(w):
    email_changed(w)
    w.post("/auth/email/change/undo/", {"token": w.link_token("/account/email/undo/")})


def phone_changed(w):
    w.sign_in()
    w.ask("/auth/phone/", {"phone": "+491701234567"})
    w.ask("/auth/phone/verify/", {"code": w.sms_codes[-1]})


def two_factor_enabled(w):
    w.sign_in()
    secret = w.ask("/auth/2fa/setup/", {"password": PASSWORD})["secret"]
    w.secret, w.codes = secret, w.ask("/auth/2fa/verify/", {"code": app_code(secret, -1)})["backup_codes"]


def two_factor_disabled(w):
    two_factor_enabled(w)
    w.ask("/auth/2fa/disable/", {"password": PASSWORD, "code": app_code(w.secret)})


def two_factor_failed(w):
    w.protect()
    challenge = w.sign_in()["challenge"]
    w.post("/auth/login/verify/", {"challenge": challenge, "method": "totp", "code": "000000"})


def two_factor_blocked(w):
    w.protect()
    later = timezone.now() + timedelta(days=1)
    RateLimit.objects.create(key=f"attempts:{code_attempts_key(w.user)}", count=24, expires_at=later)
    two_factor_failed_again = {"challenge": w.sign_in()["challenge"], "method": "totp", "code": "000000"}
    w.post("/auth/login/verify/", two_factor_failed_again)


def two_factor_texted(w):
    User.objects.filter(pk=w.user.pk).update(phone="+491701234567", phone_verified_at=timezone.now())
    w.protect()
    w.post("/auth/login/sms/", {"challenge": w.sign_in()["challenge"]})


def backup_code_used(w):
    two_factor_enabled(w)
    w.post("/auth/login/verify/", {"challenge": w.sign_in()["challenge"], "method": "backup_code", "code": w.codes[0]})


def backup_codes_made(w):
    two_factor_enabled(w)
    w.ask("/auth/2fa/backup-codes/", {"code": app_code(w.secret)})


def passkey_added(w):
    w.sign_in()
    pending = w.ask("/auth/passkeys/options/")
    credential = Authenticator().create(pending["options"])
    w.passkey = w.ask("/auth/passkeys/", {"challenge": pending["challenge"], "credential": credential, "name": "Key"})


def passkey_changed(w):
    passkey_added(w)
    w.ask(f"/auth/passkeys/{w.passkey['id']}/", {"name": "Other"}, "patch")


def passkey_removed(w):
    passkey_added(w)
    w.ask(f"/auth/passkeys/{w.passkey['id']}/", method="delete")


def role_granted(w):
    w.role = roles.create(actor=None, edit=roles.RoleEdit(name="Till", permissions=("users:read",)))
    return by_boss(w, f"/users/{w.user.pk}/roles/", {"role": w.role.pk})


def role_revoked(w):
    role_granted(w)
    return by_boss(w, f"/users/{w.user.pk}/roles/{w.role.pk}/", method="delete")


def session_ended(w):
    w.sign_in()
    other = Session.objects.get()
    w.sign_in()
    w.ask(f"/auth/sessions/{other.pk}/", method="delete")


def session_ended_by_staff(w):
    w.sign_in()
    w.page("/login/", {"email": "boss@example.com", "password": PASSWORD})
    chosen = {"action": "end", "confirmed": "1", "_selected_action": [Session.objects.of(w.user).get().pk]}
    assert w.page("/admin/accounts/session/", chosen).status_code == 302
    return w.boss


def sessions_ended(w):
    w.sign_in()
    w.ask("/auth/logout/all/")


def not_me(w):
    password_changed(w)
    w.page(f"/account/not-me/{w.link_token('/account/not-me/')}/")


def user_updated(w):
    return by_boss(w, f"/users/{w.user.pk}/", {"first_name": "Anna"}, "patch")


def user_deactivated(w):
    return by_boss(w, f"/users/{w.user.pk}/", {"is_active": False}, "patch")


def data_exported(w):
    w.sign_in()
    w.ask("/users/me/export/", method="get")


def deletion_requested(w):
    w.sign_in()
    w.ask("/users/me/", method="delete")


def deletion_cancelled(w):
    deletion_requested(w)
    w.ask("/users/me/deletion/cancel/")


SCENARIOS = {
    "signed_in": Actions.sign_in,
    "signed_out, on a page": signed_out_on_a_page,
    "session_ended, by staff": session_ended_by_staff,
    **{
        scenario.__name__: scenario
        for scenario in (
            registered, email_verified, sign_in_failed, sign_in_locked, signed_out, token_reused, locked, unlocked,
            password_changed, password_reset_requested, password_reset, email_change_requested, email_changed,
            email_change_undone, phone_changed, two_factor_enabled, two_factor_disabled, two_factor_failed,
            two_factor_blocked, two_factor_texted, backup_code_used, backup_codes_made, passkey_added, passkey_changed,
            passkey_removed, role_granted, role_revoked, session_ended, sessions_ended, not_me, user_updated,
            user_deactivated, data_exported, deletion_requested, deletion_cancelled,
        )
    },
}  # fmt: skip
