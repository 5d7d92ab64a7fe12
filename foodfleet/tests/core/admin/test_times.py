"""Lists tell how long ago something happened; the exact time is the title."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from foodfleet.core.admin.times import relative
from foodfleet.tests.core.admin.test_home import staff  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db


def test_a_time_of_the_last_week_is_told_by_its_age_in_one_unit():
    now = timezone.now()
    assert ">3\xa0hours ago<" in relative(now - timedelta(hours=3, minutes=20))
    assert ">2\xa0days ago<" in relative(now - timedelta(days=2, hours=5))


def test_other_times_are_told_by_their_date_and_all_have_an_exact_title():
    shown = relative(datetime.fromisoformat("2026-03-05T14:07:00+00:00"))
    assert ">5 Mar 2026<" in shown
    assert 'title="March 5, 2026, 2:07 p.m. UTC"' in shown
    assert ">1 Jan 2999<" in relative(datetime.fromisoformat("2999-01-01T00:00:00+00:00"))
    assert relative(None) == "-"


def test_people_are_sorted_by_their_last_sign_in(staff, make_user):  # noqa: F811
    browser = staff("Administrator")
    for name, days in (("old", 60), ("new", 1), ("late", 5)):
        make_user(f"{name}@example.com", last_login=timezone.now() - timedelta(days=days))
    listed = browser.get("/admin/accounts/user/", {"seen": "7"})
    assert [user.email for user in listed.context["cl"].result_list][-2:] == ["new@example.com", "late@example.com"]
    sorted_by = browser.get("/admin/accounts/user/", {"o": "5"}).context["cl"].result_list
    seen = [user.last_login for user in sorted_by if user.last_login]
    assert seen == sorted(seen)
