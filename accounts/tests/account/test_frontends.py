"""Links in e-mails lead into the app that a request names, or to our pages."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import User
from accounts.services import deferred
from conftest import PASSWORD
from foodfleet import frontend_urls
from notifications.models import EmailOverride
from notifications.services.compose import variables
from notifications.services.templates import overrides

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1"
APP = "https://app.example.com"
URLS = {
    "app": {
        **{event: f"{APP}/{event}?token={{token}}" for event in frontend_urls.EVENTS_WITH_TOKEN},
        **{event: f"{APP}/{event}" for event in frontend_urls.EVENTS_WITHOUT_TOKEN},
    },
    "ios": {"reset": "com.example.app://reset/{token}"},
}
ANN = {"email": "ann@example.com"}
NEW = "Another-Grill-2027!"


@pytest.fixture(autouse=True)
def _configured(settings):
    settings.FRONTEND_URLS = URLS


def newest(to):
    """The text of the newest mail to an address."""
    return str(next(message for message in reversed(mail.outbox) if message.to == [to]).body)


def token_of(event, to="ann@example.com"):
    """The token of the newest mail's link into the app for `event`."""
    texts = [str(message.body) for message in reversed(mail.outbox) if message.to == [to]]
    tokens = [found[1] for text in texts if (found := re.search(rf"{re.escape(APP)}/{event}\?token=([\w-]+)\s", text))]
    assert tokens, texts[0]
    return tokens[0]


@pytest.fixture
def staff(api, user, allow, make_user):
    """Staff who may create and change users, signed in."""
    boss = make_user("boss@example.com")
    allow(boss, "users:create", "users:update", "users:read")
    access = api.post(f"{API}/auth/login/", {"email": boss.email, "password": PASSWORD}).json()["access"]
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return api


def test_every_event_has_a_page_of_ours():
    events = {*frontend_urls.EVENTS_WITH_TOKEN, *frontend_urls.EVENTS_WITHOUT_TOKEN}
    assert variables.PAGES.keys() == events


def test_registration_and_what_follows_from_it_lead_into_the_app(api):
    body = {**ANN, "password": PASSWORD}
    assert api.post(f"{API}/auth/register/", {**body, "client": "app"}).status_code == 202
    first = token_of("verify")
    api.post(f"{API}/auth/email/resend/", {**ANN, "client": "app"})
    assert token_of("verify") != first
    assert api.post(f"{API}/auth/email/verify/", {"token": token_of("verify")}).status_code == 204
    assert f"{APP}/account\n" in newest("ann@example.com"), "the welcome"
    api.post(f"{API}/auth/register/", {**body, "client": "app"})
    assert f"{APP}/login\n" in newest("ann@example.com")
    assert f"{APP}/forgot\n" in newest("ann@example.com")


def test_a_contested_address_gets_its_reset_in_the_app_that_registered_it(api):
    for password in (PASSWORD, NEW):
        api.post(f"{API}/auth/register/", {**ANN, "password": password, "client": "app"})
    api.post(f"{API}/auth/email/verify/", {"token": token_of("verify")})
    body = {"token": token_of("reset"), "password": NEW}
    assert api.post(f"{API}/auth/password/reset/", body).status_code == 204


def test_a_reset_leads_into_the_app_or_to_our_page(api, user):
    api.post(f"{API}/auth/password/forgot/", {**ANN, "client": "app"})
    body = {"token": token_of("reset"), "password": NEW}
    api.post(f"{API}/auth/password/forgot/", ANN)
    assert "/password/reset/" in newest("ann@example.com")
    assert api.post(f"{API}/auth/password/reset/", body).status_code == 204
    report = token_of("report_compromise")
    assert api.post(f"{API}/auth/compromise/", {"token": report}).status_code == 204
    assert api.post(f"{API}/auth/compromise/", {"token": report}).status_code == 401


def test_a_custom_scheme_and_our_pages_for_events_that_are_not_configured(api, user, sign_in):
    api.post(f"{API}/auth/password/forgot/", {**ANN, "client": "ios"})
    assert re.search(r"^com\.example\.app://reset/[\w-]+$", newest("ann@example.com"), re.MULTILINE)
    html = str(mail.outbox[-1].alternatives[0][0])
    assert 'href="com.example.app://reset/' in html
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in()['access']}")
    body = {"current_password": PASSWORD, "new_password": NEW, "client": "ios"}
    assert api.post(f"{API}/auth/password/change/", body).status_code == 204
    assert "/account/not-me/" in newest("ann@example.com")


def test_a_change_of_address_leads_into_the_app_to_its_end(api, user, sign_in):
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in()['access']}")
    body = {"email": "new@example.com", "password": PASSWORD, "client": "app"}
    assert api.post(f"{API}/auth/email/change/", body).status_code == 202
    assert token_of("email_undo")
    assert token_of("report_compromise")
    confirm = token_of("email_change", to="new@example.com")
    assert api.post(f"{API}/auth/email/change/confirm/", {"token": confirm}).status_code == 204
    assert api.post(f"{API}/auth/email/change/undo/", {"token": token_of("email_undo")}).status_code == 204


def test_staff_invite_into_the_app_that_they_name(staff):
    made = staff.post(f"{API}/users/", {"email": "new@example.com", "client": "app"})
    first = token_of("invitation", to="new@example.com")
    pk = made.json()["id"]
    assert staff.post(f"{API}/users/{pk}/invite/", {"client": "app"}).status_code == 200
    assert token_of("invitation", to="new@example.com") != first
    assert staff.post(f"{API}/users/{pk}/invite/").status_code == 200
    assert "/password/reset/" in newest("new@example.com")
    assert staff.post(f"{API}/users/{pk}/password-link/", {"client": "app"}).status_code == 202
    assert token_of("reset", to="new@example.com")
    pk = User.objects.with_email("ann@example.com").get().pk
    staff.patch(f"{API}/users/{pk}/", {"email": "other@example.com", "client": "app"})
    assert token_of("verify", to="other@example.com")
    assert token_of("email_undo")


@pytest.mark.parametrize("name", ["https://evil.example", "App", "web", "", None, 1, "x" * 65])
def test_only_frontends_of_the_setting_are_accepted(staff, name):
    calls = {
        "/auth/register/": {"email": "x@example.com", "password": PASSWORD},
        "/auth/email/resend/": ANN,
        "/auth/password/forgot/": ANN,
        "/auth/password/change/": {"current_password": PASSWORD, "new_password": NEW},
        "/auth/email/change/": {"email": "y@example.com", "password": PASSWORD},
        "/users/": {"email": "z@example.com"},
        "/users/1/invite/": {},
        "/users/1/password-link/": {},
    }
    for path, body in calls.items():
        answer = staff.post(f"{API}{path}", {**body, "client": name})
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_error"), path
        assert list(answer.json()["details"]) == ["client"], path
    assert not mail.outbox


def test_a_template_of_staff_and_another_language_keep_the_link(api, user):
    user.language = "de"
    user.save()
    api.post(f"{API}/auth/password/forgot/", {**ANN, "client": "app"})
    assert "Passwort" in mail.outbox[-1].subject
    assert token_of("reset")
    html = '<p><a href="{{ link }}">Los</a></p>'
    override = EmailOverride(template="password_reset", language="de", subject="Neu", html=html, text="Los: {{ link }}")
    overrides.save(override=override, by=None)
    api.post(f"{API}/auth/password/forgot/", {**ANN, "client": "app"})
    assert mail.outbox[-1].subject == "Neu"
    assert token_of("reset")


def test_a_deferred_job_keeps_its_frontend_until_that_is_removed(api, user, settings, monkeypatch):
    monkeypatch.setattr(deferred, "after_response", SimpleNamespace(run=lambda job: None))  # its process dies
    later = timezone.now() + timedelta(minutes=1)
    for urls, link in ((URLS, f"{APP}/reset?token="), ({}, "/password/reset/")):
        settings.FRONTEND_URLS = URLS
        api.post(f"{API}/auth/password/forgot/", {**ANN, "client": "app"})
        settings.FRONTEND_URLS = urls
        assert deferred.sweep(later) == 1
        assert link in newest("ann@example.com")
