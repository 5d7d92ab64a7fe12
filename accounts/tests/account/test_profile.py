"""Owners change their own names and language."""

import pytest

from accounts import signals
from accounts.models import User
from accounts.services.account import profile
from foodfleet.core.exceptions import UnauthorizedException

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_only_the_given_fields_are_changed(user):
    User.objects.filter(pk=user.pk).update(last_name="Miller")  # since `user` was read
    changed = profile.change(user=user, first_name="Anna", language="de")
    assert (changed.first_name, changed.language, changed.last_name) == ("Anna", "de", "Miller")
    assert User.objects.get(pk=user.pk).last_name == "Miller"


def test_a_change_is_announced_once_with_the_changed_user(user):
    heard = []

    def hear(user, **kwargs):
        heard.append(user.first_name)

    signals.profile_changed.connect(hear)
    try:
        profile.change(user=user, first_name="Anna")
    finally:
        signals.profile_changed.disconnect(hear)
    assert heard == ["Anna"]


def test_an_account_closed_meanwhile_is_not_changed(user):
    User.objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(UnauthorizedException):
        profile.change(user=user, first_name="Anna")
    assert User.objects.get(pk=user.pk).first_name == ""


@pytest.mark.parametrize("field", ["is_superuser", "email", "phone"])
def test_no_other_field_can_be_changed(user, field):
    with pytest.raises(AssertionError):
        profile.change(user=user, **{field: "x"})


def test_a_chosen_language_changes_nothing_else(make_user):
    user = make_user(first_name="Ann")
    profile.choose_language(user=user, language="ar")
    user.refresh_from_db()
    assert (user.language, user.first_name) == ("ar", "Ann")
