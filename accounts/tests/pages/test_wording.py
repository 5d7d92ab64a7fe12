"""Texts of pages in special cases: recent times, empty lists, other scripts."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client as Browser
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import override

from accounts.models import BackupCode, TOTPDevice
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
CREDENTIALS = {"email": "ann@example.com", "password": PASSWORD}


@pytest.fixture
def ann(client, user):
    """A browser in which Ann is signed in."""
    assert client.post("/login/", CREDENTIALS).url == "/account/"
    return client


def test_no_page_counts_minutes_where_none_is_known(ann, user):
    Browser().post("/login/", CREDENTIALS)
    assert "Used a moment ago" in ann.get("/account/sessions/").content.decode()
    user.sessions.update(last_used_at=timezone.now() - timedelta(minutes=7))
    assert "Last used 7\xa0minutes ago" in ann.get("/account/sessions/").content.decode()


def test_the_page_says_in_words_that_no_backup_codes_are_left(ann, user):
    TOTPDevice.objects.create(user=user, confirmed_at=timezone.now())
    for path in ("/account/security/", "/account/backup-codes/"):
        assert "You have no backup codes left." in ann.get(path).content.decode()
    BackupCode.objects.create(user=user, hash="x")
    assert "You have 1 backup code left." in ann.get("/account/security/").content.decode()


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("/account/", "/account/"),
        ("/account/totp/", "/account/security/"),
        ("/account/passkeys/", "/account/security/"),
        ("/account/reauthenticate/", "/account/security/"),
        ("/account/sessions/", "/account/sessions/"),
    ],
)
def test_each_page_is_marked_under_one_tab(ann, path, marked):
    tabs = ann.get(path).content.decode().split('class="tabs"')[1].split("</nav>")[0]
    assert [tab.split('"')[1] for tab in tabs.split("<a ")[1:] if "aria-current" in tab] == [marked]


def test_arabic_writes_a_date_and_a_time_in_its_own_order():
    with override("ar"):
        assert date_format(datetime(2026, 11, 24, 14, 8, tzinfo=UTC), "DATETIME_FORMAT") == "24 نوفمبر 2026، 2:08 م"
