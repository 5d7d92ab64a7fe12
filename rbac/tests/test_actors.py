"""A service checks its sender again, on the current row."""

import pytest
from django.utils import timezone

from accounts.models import User
from foodfleet.core.exceptions import InsufficientPermissionsException, UnauthorizedException
from rbac.services import actors

pytestmark = pytest.mark.django_db
CHECKS = [actors.lock_actor, actors.ensure_still_may]


@pytest.fixture
def actor(user, allow):
    """Somebody who may read users, as their request read them before."""
    allow(user, "users:read")
    return User.objects.get(pk=user.pk)


@pytest.mark.parametrize("check", CHECKS)
def test_the_current_row_of_the_actor_is_returned(actor, check):
    User.objects.filter(pk=actor.pk).update(first_name="Anna")
    assert check(actor, "users:read").first_name == "Anna"


@pytest.mark.parametrize("check", CHECKS)
def test_the_system_may_do_everything(check):
    assert check(None, "users:delete") is None


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    "closed", [{"is_active": False}, {"locked_at": timezone.now()}, {"deleted_at": timezone.now()}]
)
def test_an_account_closed_meanwhile_may_do_nothing(actor, check, closed):
    User.objects.filter(pk=actor.pk).update(**closed)
    with pytest.raises(UnauthorizedException):
        check(actor)


@pytest.mark.parametrize("check", CHECKS)
def test_an_actor_whose_row_is_gone_may_do_nothing(check):
    with pytest.raises(UnauthorizedException):
        check(User(pk=987654))


@pytest.mark.parametrize("check", CHECKS)
def test_each_missing_permission_is_named(actor, check):
    with pytest.raises(InsufficientPermissionsException) as refused:
        check(actor, "users:read", "users:lock", "users:delete")
    assert refused.value.details == {"missing": ["users:lock", "users:delete"]}


@pytest.mark.parametrize("check", CHECKS)
def test_a_permission_in_a_scope_counts_there_alone(actor, allow, check):
    allow(actor, "users:lock", scope="fleet:12")
    assert check(actor, "users:lock", scope="fleet:12") == actor
    with pytest.raises(InsufficientPermissionsException):
        check(actor, "users:lock", scope="fleet:13")


@pytest.mark.parametrize("check", CHECKS)
def test_the_limits_of_the_credential_hold_for_the_current_row(actor, check):
    actor.acting_permissions = frozenset({"users:lock"})  # of an API key that cannot read users
    with pytest.raises(InsufficientPermissionsException):
        check(actor, "users:read")
