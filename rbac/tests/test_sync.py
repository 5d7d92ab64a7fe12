"""The database follows the declarations of the code and keeps what people created."""

from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from rbac.models import Declaration, Role, RoleRevision, resource_permissions
from rbac.permissions import DISPATCHER, SUPPORT
from rbac.services import assignments, custom_permissions, explanations, roles, sync
from rbac.services.declarations import declared

pytestmark = pytest.mark.django_db
NEW = "users:view"


def release(*, without=(), codenames=None, renamed=None, grants=None, called=None):
    """What the next release declares: fewer or more codenames, other grants of a default role, other names of roles."""
    now = declared()
    wanted = {codename: sentence for codename, sentence in now.codenames.items() if codename not in without} | (
        codenames or {}
    )
    given = {}
    for role, own in now.roles.items():
        if role.name in without:
            continue
        all_own = own | frozenset(codenames or ()) if role.name in now.all_powerful else own
        name = (called or {}).get(role.name)
        key = replace(role, name=name, renamed_from=role.name) if name else role
        given[key] = (frozenset((grants or {}).get(role.name, all_own))) & wanted.keys()
    return replace(now, codenames=wanted, renamed=renamed or {}, roles=given)


def requiring(name):
    now = declared()
    roles_now = {replace(role, requires_2fa=role.name == name): own for role, own in now.roles.items()}
    return replace(now, roles=roles_now)


def renaming():
    reads = {DISPATCHER: (declared_for(DISPATCHER) - {"users:read"}) | {NEW}}
    return release(without=["users:read"], codenames={NEW: "See users"}, renamed={"users:read": NEW}, grants=reads)


def declared_for(name):
    return next(own for role, own in declared().roles.items() if role.name == name)


def own(name):
    return set(Role.objects.get(name=name).permissions.values_list("codename", flat=True))


def exists(codename):
    return resource_permissions().filter(codename=codename).exists()


def make(name, *codenames):
    return roles.create(actor=None, edit=roles.RoleEdit(name=name, permissions=codenames))


def test_a_renamed_permission_stays_with_its_roles(user):
    assignments.grant(actor=None, user=user, role=make("Readers", "users:read"))
    report = sync.synchronise(renaming())
    assert f"renamed users:read to {NEW}; assignments are kept" in report.changes
    assert not exists("users:read")
    assert user.has_perm(NEW)
    assert NEW in own(DISPATCHER)


def test_revisions_after_a_rename_have_the_new_name(user):
    role = make("Readers", "users:read")
    sync.synchronise(renaming())
    newest = RoleRevision.objects.filter(role=role).order_by("-pk").first()
    assert newest.permissions == [NEW]


def test_a_rename_restores_nothing_that_people_removed_from_a_role():
    role = Role.objects.get(name=DISPATCHER)
    stored = sorted(own(DISPATCHER) - {"users:read"})
    roles.update(actor=None, role=role, edit=roles.RoleEdit(permissions=stored))
    sync.synchronise(renaming())
    assert own(DISPATCHER) == set(stored)


def test_a_rename_to_an_existing_permission_merges_both():
    custom_permissions.create(actor=None, resource="users", action="view")
    make("Readers", "users:read")
    sync.synchronise(renaming())
    assert not exists("users:read")
    assert own("Readers") == {NEW}


def test_a_permission_that_people_made_is_not_renamed():
    custom_permissions.create(actor=None, resource="meals", action="taste")
    make("Tasters", "meals:taste")
    sync.synchronise(release(codenames={NEW: "See users"}, renamed={"meals:taste": NEW}))
    assert own("Tasters") == {"meals:taste"}
    assert exists(NEW)


def test_an_undeclared_permission_is_removed_if_only_code_granted_it():
    report = sync.synchronise(release(without=["users:lock"]))
    assert "removed permission users:lock" in report.changes
    assert not exists("users:lock")
    assert "users:lock" not in own(SUPPORT)


def test_an_undeclared_permission_stays_if_people_granted_it():
    make("Lockers", "users:lock")
    report = sync.synchronise(release(without=["users:lock"]))
    assert "users:lock is no longer declared; roles that people changed have it, so it stays" in report.changes
    assert own("Lockers") == {"users:lock"}
    assert "users:lock" in own("Administrator")
    assert "users:lock" not in own(SUPPORT)
    assert sync.synchronise(release(without=["users:lock"])).changes == []


def test_a_renamed_role_keeps_its_holders_history_and_edits(user):
    role = Role.objects.get(name=DISPATCHER)
    assignments.grant(actor=None, user=user, role=role)
    edit = roles.RoleEdit(permissions=[*own(DISPATCHER), "users:lock"])
    roles.update(actor=None, role=role, edit=edit)
    report = sync.synchronise(release(called={DISPATCHER: "Planner"}))
    assert report.changes == [f"renamed role {DISPATCHER} to Planner; assignments are kept"]
    role.refresh_from_db()
    assert (role.name, role.is_system) == ("Planner", True)
    assert user.has_perm("users:lock")
    assert RoleRevision.objects.filter(role=role).order_by("-pk").first().name == "Planner"
    assert sync.synchronise(release(called={DISPATCHER: "Planner"})).changes == []


def test_an_undeclared_role_stays_and_can_be_deleted():
    report = sync.synchronise(release(without=[DISPATCHER]))
    assert report.changes == [f"role {DISPATCHER} is no longer declared; it stays and can be deleted"]
    role = Role.objects.get(name=DISPATCHER)
    assert own(DISPATCHER) == declared_for(DISPATCHER)
    roles.delete(actor=None, role=role)


def test_a_role_that_becomes_declared_keeps_its_permissions():
    sync.synchronise(release(without=[DISPATCHER]))
    roles.delete(actor=None, role=Role.objects.get(name=DISPATCHER))
    make(DISPATCHER, "users:delete")
    sync.synchronise()
    assert own(DISPATCHER) == declared_for(DISPATCHER) | {"users:delete"}
    assert Role.objects.live().get(name=DISPATCHER).is_system


def test_added_and_removed_grants_reach_default_roles():
    wanted = (declared_for(SUPPORT) - {"users:lock"}) | {"users:delete"}
    report = sync.synchronise(release(grants={SUPPORT: wanted}))
    assert report.changes == ["role Support: gained users:delete; lost users:lock"]
    assert own(SUPPORT) == wanted


def test_a_newly_declared_2fa_requirement_applies_and_can_be_undone():
    report = sync.synchronise(requiring(SUPPORT))
    assert report.changes == ["role Support: now requires_2fa"]
    role = Role.objects.get(name=SUPPORT)
    assert role.requires_2fa
    assert role.revisions.order_by("-pk").first().requires_2fa
    roles.update(actor=None, role=role, edit=roles.RoleEdit(requires_2fa=False))
    assert sync.synchronise(requiring(SUPPORT)).changes == []
    assert not Role.objects.get(name=SUPPORT).requires_2fa
    assert sync.synchronise().changes == []
    assert sync.synchronise(requiring(SUPPORT)).changes == report.changes


def test_synchronising_changes_nothing_that_people_made():
    custom_permissions.create(actor=None, resource="meals", action="taste", description="Taste meals")
    make("Tasters", "meals:taste", "users:read")
    roles.update(actor=None, role=Role.objects.get(name=SUPPORT), edit=roles.RoleEdit(permissions=["users:delete"]))
    Declaration.objects.all().delete()  # as in a database that was filled by hand
    sync.synchronise(release(without=[DISPATCHER, "users:lock"]))
    assert own("Tasters") == {"meals:taste", "users:read"}
    assert resource_permissions().get(codename="meals:taste").name == "Taste meals"
    assert "users:delete" in own(SUPPORT)


def test_sync_permissions_check_changes_nothing_and_exits_with_1(capsys):
    call_command("sync_permissions", check=True)
    Role.objects.filter(name=SUPPORT).update(is_system=False)
    with pytest.raises(CommandError) as error:
        call_command("sync_permissions", check=True)
    assert error.value.returncode == 1
    assert "role Support is now declared in code" in capsys.readouterr().out
    assert not Role.objects.get(name=SUPPORT).is_system
    call_command("sync_permissions")
    call_command("sync_permissions", check=True)


def test_migrate_reports_changed_permissions(capsys):
    Role.objects.filter(name=SUPPORT).update(is_system=False)
    call_command("migrate", verbosity=1)
    assert "access: role Support is now declared in code" in capsys.readouterr().out
    call_command("migrate", verbosity=1)
    assert "access:" not in capsys.readouterr().out


def test_an_explanation_of_the_past_uses_the_names_of_that_time(user):
    assignments.grant(actor=None, user=user, role=make("Readers", "users:read"))
    before = timezone.now()
    sync.synchronise(renaming())
    assert explanations.explain(user=user, permission="users:read", at=before).allowed
    assert not explanations.explain(user=user, permission="users:read").allowed
    assert explanations.explain(user=user, permission=NEW, at=timezone.now()).allowed
