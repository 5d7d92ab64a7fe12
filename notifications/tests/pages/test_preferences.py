"""The pages for preferences and unsubscribing."""

import pytest

from notifications.services.audience import preferences
from notifications.states import Kind

pytestmark = pytest.mark.django_db


def test_user_unsubscribes_from_a_kind_of_message(client, user):
    client.force_login(user)
    assert client.get("/account/preferences/").context["form"]["marketing"].initial is True
    saved = client.post("/account/preferences/", {"account": "on"}, follow=True)
    assert "Preferences saved." in saved.content.decode()
    assert preferences.of(user) == {Kind.ACCOUNT: True, Kind.MARKETING: False}


def test_preferences_require_sign_in(client):
    assert client.get("/account/preferences/").url == "/login/?next=/account/preferences/"


def test_unsubscribe_link_requires_a_confirmation(client, user):
    path = preferences.unsubscribe_link(user, Kind.MARKETING).removeprefix("http://testserver")
    assert "Unsubscribe?" in client.get(path).content.decode()
    assert preferences.of(user)[Kind.MARKETING]
    assert "You are unsubscribed" in client.post(path).content.decode()
    assert not preferences.of(user)[Kind.MARKETING]


def test_mail_program_unsubscribes_by_post(user):
    from django.test import Client

    path = preferences.unsubscribe_link(user, Kind.MARKETING).removeprefix("http://testserver")
    answer = Client(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert not preferences.of(user)[Kind.MARKETING]


def test_forged_unsubscribe_link_is_refused(client, user):
    assert client.post("/unsubscribe/eyJ1c2VyIjoxfQ:1a:forged/").status_code == 404
