"""Users are exported to a file that an import reads."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from accounts.services.staff import exports
from rbac.models import Role, RoleAssignment, ScopeMembership
from rbac.services import assignments, scopes

pytestmark = pytest.mark.django_db
SCHEMA = {"properties": {"shift": {"type": "string"}, "legacy_id": {"type": "string", "x-visible": "hidden"}}}


def test_an_export_is_what_an_import_reads(settings, tmp_path, make_user, monkeypatch):
    settings.USER_ATTRIBUTES = SCHEMA
    monkeypatch.setattr(exports, "BATCH", 1)
    ann = make_user(first_name='Ann, "A"', phone="+491701234567", phone_verified_at=timezone.now(), language="de")
    User.objects.filter(pk=ann.pk).update(attributes={"shift": "nächtlich", "legacy_id": "x"})
    make_user("bob@example.com", is_active=False, email_verified_at=None, must_change_password=True)
    gone = make_user("gone@example.com")
    User.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    driver, dispatcher = Role.objects.get(name="Driver"), Role.objects.get(name="Dispatcher")
    assignments.grant(actor=None, user=ann, role=driver)
    assignments.grant(actor=None, user=ann, role=dispatcher, scope="fleet:12")
    for key in ("12", "13"):
        fleet = scopes.create(actor=None, kind="fleet", key=key)
        scopes.add_member(actor=None, scope_id=fleet.pk, user=ann)
    path, out = tmp_path / "people.csv", io.StringIO()
    call_command("export_users", str(path), stdout=out)
    assert out.getvalue() == "2 users.\n"
    assert not any(secret in path.read_text() for secret in ("bcrypt", "gone@example.com"))
    before = path.read_text()
    assert ann.created_at.isoformat().replace("+00:00", "Z") in before
    with pytest.raises(CommandError, match="exists"):
        call_command("export_users", str(path))
    RoleAssignment.objects.end(timezone.now(), None)
    ScopeMembership.objects.all().delete()
    for number, user in enumerate(User.objects.all()):
        User.objects.filter(pk=user.pk).update(email=f"old{number}@example.com", deleted_at=timezone.now())
    call_command("import_users", str(path), stdout=io.StringIO())
    again = tmp_path / "again.csv"
    call_command("export_users", str(again), stdout=io.StringIO())
    assert again.read_text() == before
