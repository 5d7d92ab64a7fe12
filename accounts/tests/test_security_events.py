"""Security events: who, what, when, from where, with what, in which request; for good, and for their owner's eyes."""

import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client as Browser
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import signals
from accounts.models import SecurityEvent, Session, TOTPDevice, User
from accounts.second_factor import totp
from accounts.services import lockout
from accounts.tests.authenticator import Authenticator
from accounts.tests.authenticator_app import oathtool
from conftest import PASSWORD
from foodfleet.core.clients import Client
from rbac.services import roles

pytestmark = pytest.mark.django_db(transaction=True)

V1 = "/api/v1"
NEW = "Other-Kitchen-77?"
WRONG = "Wrong-Guess-1!"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IP = "198.51.100.7"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


class World:
    """Ann, a boss, and whatever a scenario asks for. Every request has an id of its own."""

    def __init__(self, user, boss, link_token):
        self.user, self.boss, self.link_token = user, boss, link_token
        self.client = APIClient(raise_request_exception=False)
        self.browser = Browser(raise_request_exception=False)
        self.texts = []

    def sign_in(self, email=None, password=PASSWORD):
        asked = {"email": email or self.user.email, "password": password}
        tokens = self.post("/auth/login/", asked).json()
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

    def prove(self):
        Session.objects.update(proved_at=timezone.now())

    def protect(self):
        TOTPDevice.objects.create(user=self.user, secret=totp.sealed(SECRET), confirmed_at=timezone.now())


@pytest.fixture
def world(user, make_user, link_token):
    made = World(user, make_user("boss@example.com", is_superuser=True, is_staff=True), link_token)

    def remember(code, **kwargs):
        made.texts.append(code)

    for signal in (signals.phone_code_requested, signals.sms_code_requested):
        signal.connect(remember)
    yield made
    for signal in (signals.phone_code_requested, signals.sms_code_requested):
        signal.disconnect(remember)


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
    w.ask("/auth/phone/verify/", {"code": w.texts[-1]})


def two_factor_enabled(w):
    w.sign_in()
    secret = w.ask("/auth/2fa/setup/", {"password": PASSWORD})["secret"]
    w.secret, w.codes = secret, w.ask("/auth/2fa/verify/", {"code": oathtool(secret, -1)})["backup_codes"]


def two_factor_disabled(w):
    two_factor_enabled(w)
    w.ask("/auth/2fa/disable/", {"password": PASSWORD, "code": oathtool(w.secret)})


def two_factor_failed(w):
    w.protect()
    challenge = w.sign_in()["challenge"]
    w.post("/auth/login/verify/", {"challenge": challenge, "method": "totp", "code": "000000"})


def two_factor_blocked(w):
    from accounts.models import CodeAttempts

    w.protect()
    CodeAttempts.objects.create(user=w.user, failures=24)
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
    w.ask("/auth/2fa/backup-codes/", {"code": oathtool(w.secret)})


def passkey_added(w):
    w.sign_in()
    asked = w.ask("/auth/passkeys/options/")
    credential = Authenticator().create(asked["options"])
    w.passkey = w.ask("/auth/passkeys/", {"challenge": asked["challenge"], "credential": credential, "name": "Key"})


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
    chosen = {"action": "end", "_selected_action": [Session.objects.of(w.user).get().pk]}
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


SCENARIOS = {
    "signed_in": World.sign_in,
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
            user_deactivated, data_exported,
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("what", SCENARIOS)
def test_it_is_written_down_with_who_when_from_where_with_what_and_in_which_request(world, settings, what):
    settings.ADMIN_REQUIRE_2FA = False
    began = timezone.now()
    returned = SCENARIOS[what](world)
    actor = returned if isinstance(returned, User) else None
    events = SecurityEvent.objects.filter(kind=what.partition(",")[0], request_id=world.request_id)
    (event,) = events
    assert (event.user, event.actor) == (world.user, actor)
    assert (event.ip, event.user_agent) == (IP, AGENT)
    assert began <= event.created_at <= timezone.now()


@pytest.fixture
def event(user, sign_in):
    sign_in()
    return SecurityEvent.objects.get()


def copy_of(event, **changes):
    fields = {field.attname: getattr(event, field.attname) for field in SecurityEvent._meta.fields}
    return SecurityEvent(**{**fields, **changes})


ATTEMPTS = {
    "save": lambda e: e.save(),
    "save of one field": lambda e: e.save(update_fields=["kind"]),
    "save_base": lambda e: e.save_base(),
    "delete": lambda e: e.delete(),
    "update": lambda e: SecurityEvent.objects.update(kind="registered"),
    "update of some": lambda e: SecurityEvent.objects.filter(pk=e.pk).update(kind="registered"),
    "update by the base manager": lambda e: SecurityEvent._base_manager.update(kind="registered"),
    "delete of all": lambda e: SecurityEvent.objects.all().delete(),
    "delete of some": lambda e: SecurityEvent.objects.filter(pk=e.pk).delete(),
    "delete by the base manager": lambda e: SecurityEvent._base_manager.all().delete(),
    "bulk_update": lambda e: SecurityEvent.objects.bulk_update([e], ["kind"]),
    "update_or_create": lambda e: SecurityEvent.objects.update_or_create(pk=e.pk, defaults={"kind": "registered"}),
    "bulk_create over one": lambda e: SecurityEvent.objects.bulk_create(
        [copy_of(e, kind="registered")], update_conflicts=True, update_fields=["kind"], unique_fields=["id"]
    ),
    "save over one": lambda e: copy_of(e, kind="registered").save(),
    "the user's": lambda e: e.user.security_events.update(kind="registered"),
    "the user's, deleted": lambda e: e.user.security_events.all().delete(),
    "the user's, cleared": lambda e: e.user.security_events.clear(),
    "the user's, removed": lambda e: e.user.security_events.remove(e),
    "the user's, set": lambda e: e.user.security_events.set([]),
}


@pytest.mark.parametrize("how", ATTEMPTS)
def test_an_event_is_neither_changed_nor_removed(event, how):
    event.kind = "not_me"
    with pytest.raises((PermissionDenied, IntegrityError)), transaction.atomic():
        ATTEMPTS[how](event)
    assert SecurityEvent.objects.get().kind == "signed_in"
    assert SecurityEvent.objects.get().user_id == event.user_id


def test_events_outlive_the_row_of_a_user_that_is_deleted_by_hand_and_name_it_still(user, event):
    pk = user.pk
    user.delete()
    assert not User.objects.exists()
    assert [(one.kind, one.user_id) for one in SecurityEvent.objects.all()] == [("signed_in", pk)]


def test_the_admin_shows_events_and_changes_none(client, make_user, event, settings):
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(make_user("boss@example.com", is_superuser=True, is_staff=True))
    address = "/admin/accounts/securityevent/"
    assert client.get(address).status_code == 200
    assert client.get(f"{address}{event.pk}/change/").status_code == 200
    assert client.get(f"{address}add/").status_code == 403
    assert client.post(f"{address}{event.pk}/change/", {"kind": "registered"}).status_code == 403
    assert client.post(f"{address}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(address, {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"})
    assert SecurityEvent.objects.get(pk=event.pk).kind == "signed_in"


def test_events_are_listed_to_their_owner_alone(world):
    world.sign_in(password=WRONG)
    lockout.unlock(user=world.user, actor=world.boss, client=Client())
    world.sign_in()
    listed = world.ask("/users/me/events/", method="get")["results"]
    assert [one["kind"] for one in listed] == ["signed_in", "unlocked", "sign_in_failed"]
    world.sign_in("boss@example.com")
    assert [one["kind"] for one in world.ask("/users/me/events/", method="get")["results"]] == ["signed_in"]
    assert world.post("/users/me/events/", method="get").status_code == 401
    for method in ("post", "put", "patch", "delete"):
        assert world.post("/users/me/events/", method=method, signed_in=True).status_code == 405


def test_a_late_event_of_a_long_list_is_found_by_pages(world):
    SecurityEvent.objects.bulk_create(
        SecurityEvent(kind="signed_in", user=world.user, created_at=timezone.now() - timedelta(days=n))
        for n in range(45)
    )
    world.sign_in()
    listed, seen = world.ask("/users/me/events/", method="get"), []
    while True:
        seen += [one["created_at"] for one in listed["results"]]
        if listed["next"] is None:
            break
        listed = world.client.get(listed["next"], headers=world.as_them).json()
    assert len(seen) == 46
    assert seen == sorted(seen, reverse=True)
