"""The history of assignments, roles and users is append-only, also for the ORM."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import ProtectedError

from rbac.models import Role, RoleAssignment, RoleRevision, UserStatus

pytestmark = pytest.mark.django_db
HISTORY = (RoleAssignment, RoleRevision, UserStatus)


@pytest.fixture(autouse=True)
def assignment(user, allow):
    return allow(user, "users:read")


@pytest.mark.parametrize("model", HISTORY)
@pytest.mark.parametrize("manager", ["objects", "_base_manager"])
def test_history_rows_cannot_be_deleted(model, manager):
    rows = getattr(model, manager).all()
    count = rows.count()
    with pytest.raises(PermissionDenied):
        rows.delete()
    with pytest.raises(PermissionDenied):
        rows.last().delete()
    assert model.objects.count() == count > 0


@pytest.mark.parametrize(("model", "field"), [(RoleRevision, "name"), (UserStatus, "is_active")])
def test_append_only_rows_cannot_be_changed(model, field):
    row = model.objects.last()
    with pytest.raises(PermissionDenied):
        model.objects.update(**{field: ""})
    with pytest.raises(PermissionDenied):
        row.save()
    with pytest.raises(PermissionDenied):
        model.objects.bulk_update([row], [field])


def test_the_row_of_a_role_with_history_cannot_be_deleted(assignment):
    with pytest.raises(ProtectedError):
        Role.objects.filter(pk=assignment.role_id).delete()
