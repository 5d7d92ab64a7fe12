"""Concurrent changes of roles and assignments."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from foodfleet.core.exceptions import BaseAppException
from rbac.models import Role, RoleAssignment, RoleInclusion
from rbac.services import assignments, custom_permissions, graph, roles, sync
from rbac.services.roles import RoleEdit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
ROUNDS = 10


def at_once(*calls):
    """What each call answered or was refused with; all begin together, each in a thread of its own."""
    start = Barrier(len(calls))

    def run(call):
        try:
            start.wait()
            return call()
        except BaseAppException as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def make(name, *codenames, **edit):
    return roles.create(actor=None, edit=RoleEdit(name=name, permissions=codenames, **edit))


def test_two_concurrent_inclusions_never_form_a_cycle():
    for number in range(ROUNDS):
        one, two, three = (make(f"{name} {number}") for name in ("one", "two", "three"))
        answers = at_once(
            lambda one=one, two=two: roles.update(actor=None, role=one, edit=RoleEdit(includes=[two.pk])),
            lambda two=two, three=three: roles.update(actor=None, role=two, edit=RoleEdit(includes=[three.pk])),
            lambda one=one, three=three: roles.update(actor=None, role=three, edit=RoleEdit(includes=[one.pk])),
        )
        assert Counter(isinstance(answer, Role) for answer in answers) == {True: 2, False: 1}
        for facts in graph.load().roles.values():
            assert facts.id not in {far for near in facts.includes for far in graph.load().roles[near].reach}


def test_a_role_assigned_twice_concurrently_is_assigned_once(user):
    for number in range(ROUNDS):
        role = make(f"role {number}")
        at_once(*[lambda role=role: assignments.grant(actor=None, user=user, role=role)] * 4)
        assert RoleAssignment.objects.of(user).of_roles([role.pk]).unended().count() == 1


def test_a_role_cannot_be_deleted_while_it_is_being_assigned(user):
    for number in range(ROUNDS):
        role = make(f"role {number}")
        at_once(
            lambda role=role: roles.delete(actor=None, role=role),
            lambda role=role: assignments.grant(actor=None, user=user, role=role),
        )
        is_held = RoleAssignment.objects.of_roles([role.pk]).unended().exists()
        assert is_held == Role.objects.live().filter(pk=role.pk).exists()


def test_a_role_cannot_be_deleted_while_another_includes_it():
    for number in range(ROUNDS):
        inner, outer = make(f"inner {number}"), make(f"outer {number}")
        at_once(
            lambda inner=inner: roles.delete(actor=None, role=inner),
            lambda inner=inner, outer=outer: roles.update(actor=None, role=outer, edit=RoleEdit(includes=[inner.pk])),
        )
        is_included = RoleInclusion.objects.filter(included=inner).exists()
        assert is_included == Role.objects.live().filter(pk=inner.pk).exists()


def test_a_role_declared_during_its_deletion_is_not_deleted():
    role = make("Planner")
    stale = Role.objects.get(pk=role.pk)
    Role.objects.filter(pk=role.pk).update(is_system=True)
    assert at_once(lambda: roles.delete(actor=None, role=stale)) == ["conflict"]
    assert Role.objects.live().filter(pk=role.pk).exists()


def test_concurrent_edits_of_different_fields_are_both_saved():
    for number in range(ROUNDS):
        role = make(f"role {number}", "users:read")
        read = [Role.objects.get(pk=role.pk) for _ in range(3)]
        at_once(
            lambda read=read: roles.update(actor=None, role=read[0], edit=RoleEdit(description="They cook.")),
            lambda read=read: roles.update(actor=None, role=read[1], edit=RoleEdit(requires_2fa=True)),
            lambda read=read: roles.update(actor=None, role=read[2], edit=RoleEdit(permissions=["users:lock"])),
        )
        role.refresh_from_db()
        assert (role.description, role.requires_2fa) == ("They cook.", True)
        assert graph.load().roles[role.pk].own == {"users:lock"}
        newest = role.revisions.order_by("-created_at", "-pk").first()
        assert (newest.requires_2fa, newest.permissions) == (True, ["users:lock"])


def test_a_permission_is_created_and_deleted_once_under_concurrency():
    for number in range(ROUNDS):
        making = [
            lambda number=number: custom_permissions.create(actor=None, resource="meals", action=f"taste{number}")
        ] * 3
        made = [answer for answer in at_once(*making) if answer != "conflict"]
        assert len(made) == 1
        deleting = [
            lambda pk=made[0].pk: custom_permissions.delete(actor=None, permission=custom_permissions.find(pk))
        ] * 3
        assert Counter(at_once(*deleting)) == {None: 1, "permission_not_found": 2}


def test_an_assignment_revoked_twice_concurrently_ends_once(user):
    for number in range(ROUNDS):
        role = make(f"role {number}")
        assignments.grant(actor=None, user=user, role=role)
        taking = [lambda role=role: assignments.revoke(actor=None, user=user, role=role)] * 3
        assert Counter(at_once(*taking)) == {1: 1, "role_not_found": 2}


def test_two_concurrent_synchronisations_change_the_database_once():
    Role.objects.filter(name="Support").update(is_system=False)
    reports = at_once(sync.synchronise, sync.synchronise)
    assert sorted(len(report.changes) for report in reports) == [0, 1]
    assert Role.objects.filter(name="Support", is_system=True).count() == 1
