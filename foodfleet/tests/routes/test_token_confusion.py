"""Every token at every endpoint: each works at its own endpoint only."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.authenticator import Authenticator
from conftest import PASSWORD
from notifications.services.audience import preferences
from notifications.states import Kind

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
API = "/api/v1"
NEW_PASSWORD = "Another-Fleet-2026!"


@dataclass
class Actions:
    """Everybody's tokens by kind, and what answers the challenges of passkeys."""

    tokens: dict[str, str]
    passkey: Authenticator
    new_passkey: Any
    proof: Any
    alone: Any

    def bearer(self):
        return {"Authorization": f"Bearer {self.tokens['access']}"}


def post(path, body, **headers):
    return APIClient(raise_request_exception=False).post(f"{API}{path}", body, headers=headers)


def page(path, **cookies):
    browser = Client(raise_request_exception=False)
    for name, value in cookies.items():
        browser.cookies[name] = value
    return browser.post(path, {"new_password": NEW_PASSWORD, "password": NEW_PASSWORD})


def opened_me(header):
    return APIClient(raise_request_exception=False).get(f"{API}/users/me/", headers=header)


def skips_second_factor(token):
    browser = APIClient(raise_request_exception=False)
    browser.cookies[settings.TRUSTED_BROWSER_COOKIE_NAME] = token
    answer = browser.post(f"{API}/auth/login/", {"email": "ann@example.com", "password": PASSWORD})
    assert answer.status_code == 200
    return "access" in answer.json()


def signed_in_by_cookie(token):
    browser = Client(raise_request_exception=False)
    browser.cookies[settings.SESSION_COOKIE_NAME] = token
    return browser.get(f"{API}/users/me/").status_code == 200


def ok(response):
    assert response.status_code < 500, response.content
    return response.status_code < 300


# place -> whether it opens to a token
PLACES = {
    "Authorization": lambda w, t: ok(opened_me({"Authorization": f"Bearer {t}"})),
    "auth/refresh": lambda w, t: ok(post("/auth/refresh/", {"refresh": t})),
    "auth/logout": lambda w, t: ok(post("/auth/logout/", {"refresh": t})),
    "auth/login/verify": lambda w, t: ok(post(
        "/auth/login/verify/", {"challenge": t, "method": "backup_code", "code": w.tokens["backup code"]})),
    "auth/login/passkey/verify": lambda w, t: ok(post(
        "/auth/login/passkey/verify/", {"challenge": t, "credential": w.passkey.get(w.alone)})),
    "auth/passkeys": lambda w, t: ok(post(
        "/auth/passkeys/", {"challenge": t, "credential": w.new_passkey, "name": "second"}, **w.bearer())),
    "auth/proof/passkey/verify": lambda w, t: ok(post(
        "/auth/proof/passkey/verify/", {"challenge": t, "credential": w.passkey.get(w.proof)}, **w.bearer())),
    "auth/email/verify": lambda w, t: ok(post("/auth/email/verify/", {"token": t})),
    "auth/password/reset": lambda w, t: ok(post("/auth/password/reset/", {"token": t, "password": NEW_PASSWORD})),
    "auth/email/change/confirm": lambda w, t: ok(post("/auth/email/change/confirm/", {"token": t})),
    "auth/email/change/undo": lambda w, t: ok(post("/auth/email/change/undo/", {"token": t})),
    "auth/compromise": lambda w, t: ok(post("/auth/compromise/", {"token": t})),
    "page email/verify": lambda w, t: ok(page(f"/email/verify/{t}/")),
    "page password/reset": lambda w, t: ok(page(f"/password/reset/{t}/")),
    "page email/confirm": lambda w, t: page(f"/account/email/confirm/{t}/").status_code in (200, 302),
    "page email/undo": lambda w, t: ok(page(f"/account/email/undo/{t}/")),
    "page not-me": lambda w, t: ok(page(f"/account/not-me/{t}/")),
    "page unsubscribe": lambda w, t: ok(page(f"/unsubscribe/{t}/")),
    "cookie of a remembered browser": lambda w, t: skips_second_factor(t),
    "cookie of a session": lambda w, t: signed_in_by_cookie(t),
    "MFA code": lambda w, t: ok(post(
        "/auth/login/verify/", {"challenge": w.tokens["sign-in challenge"], "method": "backup_code", "code": t})),
}  # fmt: skip

# kind of token -> the places that are its own
OWN = {
    "access": {"Authorization"},
    "refresh": {"auth/refresh", "auth/logout"},
    "sign-in challenge": {"auth/login/verify"},
    "passkey sign-in challenge": {"auth/login/passkey/verify"},
    "passkey creation challenge": {"auth/passkeys"},
    "re-authentication challenge": {"auth/proof/passkey/verify"},
    "verification": {"auth/email/verify", "page email/verify"},
    "reset": {"auth/password/reset", "page password/reset"},
    "invitation": {"auth/password/reset", "page password/reset"},
    "change of address": {"auth/email/change/confirm", "page email/confirm"},
    "undo of address": {"auth/email/change/undo", "page email/undo"},
    "not me": {"auth/compromise", "page not-me"},
    "unsubscribe": {"page unsubscribe"},
    "remembered browser": {"cookie of a remembered browser"},
    "device": set(),  # opens nothing: it only gives its browser a count of wrong passwords of its own
    "session cookie": {"cookie of a session"},
    "backup code": {"MFA code"},
}


def link(path, to):
    """The token of the newest link to such a page in the mails to this address."""
    for message in reversed(mail.outbox):
        if to in message.to and (found := re.search(rf"{path}([\w-]+)/", str(message.body))):
            return found[1]
    raise AssertionError(f"no mail to {to} with {path}")


@pytest.fixture
def actions(user, make_user):
    """Ann has tokens of every kind that an account can have; Carol registered, Dan is invited."""
    authenticator, call = Authenticator(), APIClient()
    credentials = {"email": user.email, "password": PASSWORD}
    tokens = call.post(f"{API}/auth/login/", credentials).json()
    header = {"Authorization": f"Bearer {tokens['access']}"}
    ask = lambda path, **body: call.post(f"{API}{path}", body, headers=header).json()  # noqa: E731
    creation, spare = ask("/auth/passkeys/options/"), ask("/auth/passkeys/options/")
    added = ask("/auth/passkeys/", challenge=creation["challenge"], credential=authenticator.create(creation["options"]),
                name="first", passwordless=True)  # fmt: skip
    browser = Client()
    browser.post("/login/", credentials)
    remember = {"code": added["backup_codes"][0], "method": "backup_code", "remember_browser": "on"}
    assert browser.post("/login/verify/", remember).status_code == 302
    proof, alone = ask("/auth/proof/passkey/"), call.post(f"{API}/auth/login/passkey/").json()
    ask("/auth/email/change/", email="new@example.com", password=PASSWORD)
    call.post(f"{API}/auth/password/forgot/", {"email": user.email})
    call.post(f"{API}/auth/register/", {"email": "carol@example.com", "password": PASSWORD})
    make_user("boss@example.com", is_superuser=True)
    boss = call.post(f"{API}/auth/login/", {"email": "boss@example.com", "password": PASSWORD}).json()
    invited = call.post(
        f"{API}/users/", {"email": "dan@example.com"}, headers={"Authorization": f"Bearer {boss['access']}"}
    )
    assert invited.status_code == 201
    of_browser = {name: morsel.value for name, morsel in browser.cookies.items()}
    tokens = {
        "access": tokens["access"],
        "refresh": tokens["refresh"],
        "sign-in challenge": call.post(f"{API}/auth/login/", credentials).json()["challenge"],
        "passkey sign-in challenge": alone["challenge"],
        "passkey creation challenge": spare["challenge"],
        "re-authentication challenge": proof["challenge"],
        "verification": link("/email/verify/", "carol@example.com"),
        "reset": link("/password/reset/", user.email),
        "invitation": link("/password/reset/", "dan@example.com"),
        "change of address": link("/account/email/confirm/", "new@example.com"),
        "undo of address": link("/account/email/undo/", user.email),
        "not me": link("/account/not-me/", user.email),
        "unsubscribe": preferences.unsubscribe_link(user, Kind.MARKETING).rstrip("/").rpartition("/")[2],
        "remembered browser": of_browser[settings.TRUSTED_BROWSER_COOKIE_NAME],
        "device": of_browser[settings.DEVICE_COOKIE_NAME],
        "session cookie": of_browser[settings.SESSION_COOKIE_NAME],
        "backup code": added["backup_codes"][1],
    }
    return Actions(tokens, authenticator, Authenticator().create(spare["options"]), proof["options"], alone["options"])


def test_no_token_opens_the_place_of_another(actions):
    opened = [
        f"{kind} opened {place}"
        for place, opens in PLACES.items()
        for kind, own in OWN.items()
        if place not in own and opens(actions, actions.tokens[kind])
    ]
    assert opened == []
    ann = User.objects.get(email="ann@example.com")
    assert ann.check_password(PASSWORD)


@pytest.mark.parametrize(("kind", "place"), [(kind, place) for kind, own in OWN.items() for place in sorted(own)])
def test_a_token_works_at_its_own_endpoint_and_nowhere_else(actions, kind, place):
    token = actions.tokens[kind]
    for other, opens in PLACES.items():
        if other not in OWN[kind]:
            opens(actions, token)
    assert PLACES[place](actions, token)
