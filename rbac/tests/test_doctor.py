"""The doctor compares the database with the declared permissions."""

import pytest

from rbac.models import resource_permissions
from rbac.services import doctor, sync

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_a_database_as_declared_has_no_problem():
    assert not list(doctor.permissions())


def test_the_first_missing_change_is_named_and_the_rest_counted():
    resource_permissions().filter(codename__in=["users:read", "users:lock"]).delete()
    changes = sync.dry_run().changes
    assert len(changes) > 1
    (problem,) = doctor.permissions()
    assert f"Pending: {changes[0]} (and {len(changes) - 1} more)" in problem.text
    assert "sync_permissions" in problem.advice


def test_looking_does_not_change_the_database():
    resource_permissions().filter(codename="users:read").delete()
    list(doctor.permissions())
    assert not resource_permissions().filter(codename="users:read").exists()
