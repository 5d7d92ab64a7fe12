"""Sessions of browsers end at once, and are marked as used now and then."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Session, User
from accounts.services.sessions import browser
from foodfleet.core.http.clients import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(user):
    return browser.start(user=user, client=Client(ip="203.0.113.7"))


def test_the_session_of_a_browser_is_found_for_its_user_alone(session, user):
    assert browser.current(session.pk, user.pk) == session
    assert browser.current(session.pk, user.pk + 1) is None
    assert browser.current(uuid.uuid4(), user.pk) is None


@pytest.mark.parametrize("closed", [{"locked_at": timezone.now()}, {"is_active": False}])
def test_a_closed_account_has_no_session(session, user, closed):
    User.objects.filter(pk=user.pk).update(**closed)
    assert browser.current(session.pk, user.pk) is None


@pytest.mark.parametrize("over", [{"ended_at": timezone.now()}, {"expires_at": timezone.now()}])
def test_a_session_that_is_over_is_not_found(session, user, over):
    Session.objects.filter(pk=session.pk).update(**over)
    assert browser.current(session.pk, user.pk) is None


def test_an_unused_session_ends_with_the_life_of_a_refresh_token(session, user, settings):
    life = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]
    for ago, is_found in ((life - timedelta(minutes=1), True), (life, False)):
        Session.objects.filter(pk=session.pk).update(last_used_at=timezone.now() - ago)
        assert (browser.current(session.pk, user.pk) is not None) is is_found


def test_the_last_use_is_written_every_five_minutes(session, user, django_assert_num_queries):
    with django_assert_num_queries(1):  # for every page
        browser.current(session.pk, user.pk)
    before = timezone.now() - browser.TOUCH_AFTER
    Session.objects.filter(pk=session.pk).update(last_used_at=before)
    browser.mark_used(Session.objects.get())
    assert Session.objects.get().last_used_at > before + timedelta(minutes=4)


def test_mfa_is_passed_in_one_session_alone(session, user):
    other = browser.start(user=user, client=Client())
    Session.objects.filter(pk=session.pk).update(mfa_passed_at=timezone.now())
    assert browser.has_passed_mfa(session.pk)
    assert not browser.has_passed_mfa(other.pk)
