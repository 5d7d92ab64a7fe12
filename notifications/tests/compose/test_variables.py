"""Values that templates share: links, times, and the facts of a security event."""

from datetime import UTC, datetime

import pytest

from accounts.models import User
from foodfleet.core.http.clients import Client
from notifications.services.compose import variables

pytestmark = pytest.mark.once
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def app(settings):
    settings.PUBLIC_URL = "https://accounts.example.com"
    settings.FRONTEND_URLS = {"app": {"verify": "https://app.example.com/verify?t={token}"}}


@pytest.mark.usefixtures("app")
def test_a_link_leads_into_the_app_that_the_client_named():
    assert variables.link("verify", Client(frontend="app"), "abc") == "https://app.example.com/verify?t=abc"


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("frontend", ["", "gone"])
def test_other_links_lead_to_our_pages(frontend):
    client = Client(frontend=frontend)
    assert variables.link("verify", client, "abc") == "https://accounts.example.com/email/verify/abc/"
    assert variables.link("account", Client(frontend="app")) == "https://accounts.example.com/account/"


def test_times_are_in_utc_and_in_the_format_of_the_language():
    time = datetime(2026, 11, 23, 9, 5, tzinfo=UTC)
    assert variables.format_time(time, User(language="de")) == "23. November 2026 09:05 UTC"
    assert variables.format_time(time, User(language="en")) == "Nov. 23, 2026, 9:05 a.m. UTC"


def test_the_device_is_named_by_its_client_but_without_links():
    named = Client(device_name="Ann's laptop", user_agent=FIREFOX)
    assert variables.security_facts(User(), named, "t")["device"] == "Ann's laptop"
    linked = Client(device_name="evil.example/login", user_agent=FIREFOX)
    assert variables.security_facts(User(), linked, "t")["device"] == "Firefox 140 on Windows"


def test_the_name_of_an_unconfirmed_account_is_not_told():
    user = User(first_name="Ann", email_verified_at=None)
    assert variables.security_facts(user, Client(ip="203.0.113.7"), "t")["first_name"] == ""
    user.email_verified_at = datetime.now(UTC)
    facts = variables.security_facts(user, Client(ip="203.0.113.7"), "t")
    assert (facts["first_name"], facts["ip"]) == ("Ann", "203.0.113.7")
    assert facts["not_me_link"].endswith("/t/")
