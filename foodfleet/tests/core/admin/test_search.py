"""Ctrl-K finds people, messages, roles and pages: those that the member of staff may open."""

from datetime import timedelta

import pytest
from django.utils import timezone

from foodfleet.tests.core.admin.test_home import staff  # noqa: F401  a fixture
from notifications.models import Message
from notifications.tests.admin.rows import failed

pytestmark = pytest.mark.django_db


def found(browser, term):
    return {(item.title, item.kind) for item in browser.get("/admin/search/", {"s": term}).context["results"]}


@pytest.mark.parametrize("term", ["meyer", "MEY", "example.org", "Anna Meyer", "49170"])
def test_people_are_found_by_part_of_name_address_or_phone(staff, make_user, term):  # noqa: F811
    make_user("anna@example.org", first_name="Anna", last_name="Meyer", phone="+491701234567")
    assert ("Anna Meyer · anna@example.org", "user") in found(staff("Support"), term)


def test_messages_are_found_by_recipient(staff):  # noqa: F811
    Message.objects.create(channel="email", to=["gast@example.net"], subject="Hello", status="failed")
    assert ("gast@example.net · Hello · Failed", "message") in found(staff("Support"), "gast@")


def test_a_failed_message_is_found_before_newer_ones(staff):  # noqa: F811
    old = failed(to=["gast@example.net"], subject="Old", created_at=timezone.now() - timedelta(days=1))[0]
    for number in range(6):
        Message.objects.create(channel="email", to=["gast@example.net"], subject=f"New {number}", status="sent")
    results = staff("Dispatcher").get("/admin/search/", {"s": "gast@"}).context["results"]
    titles = [one.title for one in results if one.kind == "message"]
    assert len(titles) == 5
    assert titles[:2] == ["gast@example.net · Old · Failed", "gast@example.net · New 5 · Sent"]
    assert str(old.pk) in results[0].link


@pytest.mark.parametrize(
    ("role", "kinds"),
    [("Administrator", {"user", "role", "People", "message"}), ("Fleet manager", {"user", "role", "People", "message"}),
     ("Driver", set())],
)  # fmt: skip
def test_nothing_is_found_that_may_not_be_opened(staff, make_user, role, kinds):  # noqa: F811
    browser = staff(role)
    make_user("user-support@example.org")
    Message.objects.create(channel="email", to=["support-user@example.net"])
    shown = found(browser, "support") | found(browser, "user")
    assert {kind for _title, kind in shown} == kinds


@pytest.mark.parametrize("term", ["", " ", "a", "ma", "x" * 5000, "%", "'", "a b c d e f g h i j k l m"])
def test_no_term_is_an_error_or_finds_everything(staff, make_user, term):  # noqa: F811
    browser = staff("Administrator")
    for number in range(9):
        make_user(f"many{number}@example.com")
    assert len(found(browser, term)) == 0
    assert len(found(browser, "many")) == 5
