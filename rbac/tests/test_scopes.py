"""Scopes, their parents and their members over HTTP."""

import threading
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection, connections
from django.utils import timezone

from accounts.models import SecurityEvent
from rbac.exceptions import ScopeInUseException, ScopeNotFoundException
from rbac.models import RoleAssignment, Scope, ScopedQuerySet, ScopeMembership
from rbac.services import scopes

pytestmark = pytest.mark.django_db
URL = "/api/v1/scopes/"


def make(key="12", parent=None, kind="fleet"):
    return scopes.create(actor=None, kind=kind, key=key, parent=parent.pk if parent else None)


def test_a_scope_is_created_listed_renamed_and_deleted(as_root):
    made = as_root.post(URL, {"kind": "fleet", "key": "12", "name": "North"})
    assert made.status_code == 201, made.content
    row = made.json()
    del row["created_at"]
    expected = {"id": row["id"], "kind": "fleet", "key": "12", "scope": "fleet:12", "name": "North", "parent": None}
    assert row == expected
    url = f"{URL}{row['id']}/"
    assert as_root.patch(url, {"name": "South"}).json()["name"] == "South"
    assert as_root.patch(url, {"name": "South", "parent": None}).status_code == 200  # nothing to record
    assert [one["name"] for one in as_root.get(f"{URL}?search=sou&kind=fleet").json()["results"]] == ["South"]
    assert as_root.delete(url).status_code == 204
    assert as_root.get(url).json()["code"] == "scope_not_found"
    kinds = SecurityEvent.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["scope_created", "scope_updated", "scope_deleted"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"kind": "Fleet", "key": "12"}, 422, "kind"),
        ({"kind": "fleet", "key": "1 2"}, 422, "key"),
        ({"kind": "fleet", "key": "1\x00"}, 422, "key"),
        ({"kind": "fleet", "key": "1" * 95}, 422, "key"),
        ({"kind": "fleet"}, 422, "key"),
        ({"kind": "fleet", "key": "13", "name": "x" * 151}, 422, "name"),
        ({"kind": "fleet", "key": "13", "parent": 9999}, 422, "parent"),
        ({"kind": "fleet", "key": "12"}, 409, None),
    ],
)
def test_an_invalid_or_repeated_scope_is_refused(as_root, body, status, field):
    make("12")
    refused = as_root.post(URL, body)
    assert refused.status_code == status, refused.content
    assert field is None or list(refused.json()["details"]) == [field]


def test_the_kind_and_key_of_a_scope_stay(as_root):
    url = f"{URL}{make('12').pk}/"
    assert as_root.patch(url, {"key": "12", "kind": "fleet"}).status_code == 200
    assert as_root.patch(url, {"key": "13"}).json()["details"]["key"][0]["code"] == "fixed"


def test_members_are_added_once_listed_and_removed(as_root, user, make_user):
    scope = make()
    url = f"{URL}{scope.pk}/members/"
    assert as_root.post(url, {"user": user.pk}).status_code == 201
    assert as_root.post(url, {"user": user.pk}).status_code == 200
    bob = make_user("bob@example.com")
    as_root.post(url, {"user": bob.pk})
    first = as_root.get(f"{url}?page_size=1").json()
    assert [(row["user"], row["email"]) for row in first["results"]] == [(user.pk, user.email)]
    assert [row["user"] for row in as_root.get(first["next"]).json()["results"]] == [bob.pk]
    assert [row["id"] for row in as_root.get(f"{URL}?member={bob.pk}").json()["results"]] == [scope.pk]
    assert as_root.delete(f"{url}{user.pk}/").status_code == 204
    assert as_root.delete(f"{url}{user.pk}/").json()["code"] == "member_not_found"
    assert as_root.post(url, {"user": 999_999}).json()["code"] == "user_not_found"
    assert as_root.post(f"{URL}9999/members/", {"user": user.pk}).json()["code"] == "scope_not_found"
    assert as_root.delete(f"{url}{10**20}/").status_code == 404
    events = SecurityEvent.objects.filter(user=user).values_list("kind", "details__scope")
    assert set(events) == {("scope_member_added", "fleet:12"), ("scope_member_removed", "fleet:12")}


def test_a_scope_in_use_is_not_deleted_and_says_by_what(as_root, user, allow):
    region = make("north", kind="region")
    scope = make("12", region)
    allow(user, "users:read", scope="fleet:12")
    scopes.add_member(actor=None, scope_id=scope.pk, user=user)
    refused = as_root.delete(f"{URL}{scope.pk}/")
    assert (refused.status_code, refused.json()["details"]) == (409, {"members": 1, "assignments": 1, "scopes": 0})
    assert as_root.delete(f"{URL}{region.pk}/").json()["details"]["scopes"] == 1


def test_no_scope_is_below_itself(as_root):
    top = make("top")
    middle = make("middle", top)
    for parent in (top, middle, make("low", middle)):
        refused = as_root.patch(f"{URL}{top.pk}/", {"parent": parent.pk})
        assert refused.json()["details"]["parent"][0]["code"] == "cycle"


def test_what_is_held_in_a_parent_is_held_below_it_and_not_above(as_root, user, allow):
    top = make("top")
    middle = make("middle", top)
    low = make("low", middle)
    allow(user, "users:read", scope="fleet:middle")
    assert [user.has_perm("users:read", f"fleet:{key}") for key in ("top", "middle", "low")] == [False, True, True]
    explained = as_root.get(f"/api/v1/access/explain/?user={user.pk}&permission=users:read&scope=fleet:low").json()
    assert (explained["allowed"], [one["scope"] for one in explained["because"]]) == (True, ["fleet:middle"])
    as_root.patch(f"{URL}{low.pk}/", {"parent": top.pk})
    assert not user.has_perm("users:read", "fleet:low")
    as_root.patch(f"{URL}{middle.pk}/", {"parent": None})
    assert user.has_perm("users:read", "fleet:middle")


def test_a_model_of_its_own_is_visible_by_the_scope_in_its_column(user, make_user, allow):
    below, beside = make("12", make("north", kind="region")), make("13")
    rows = {
        one: allow(make_user(f"{one.key}@example.com"), "users:lock", scope=one.identifier) for one in (below, beside)
    }
    everything = ScopedQuerySet(RoleAssignment)
    assert not everything.visible_to(user, "users:read").exists()
    allow(user, "users:read", scope="region:north")
    assert list(everything.visible_to(user, "users:read").exclude(user=user)) == [rows[below]]
    allow(user, "users:read")
    assert everything.visible_to(user, "accounts.view_user").exclude(user=user).count() == 2


def test_a_deleted_user_is_no_member(as_root, user):
    scope = make()
    scopes.add_member(actor=None, scope_id=scope.pk, user=user)
    assert as_root.delete(f"/api/v1/users/{user.pk}/").status_code == 204
    assert not ScopeMembership.objects.exists()


def test_the_migration_adds_a_scope_for_each_scope_in_use(user, make_user, allow):
    allow(user, "users:read", scope="fleet:12")
    allow(make_user("bob@example.com"), "users:read", scope="fleet:12")
    allow(user, "users:read")
    ended = allow(user, "users:lock", scope="fleet:13")
    type(ended).objects.filter(pk=ended.pk).end(timezone.now(), None)
    migration = import_module("rbac.migrations.0006_scopes")
    migration.add_scopes_in_use(apps, SimpleNamespace(connection=connection))
    assert list(Scope.objects.values_list("kind", "key", "identifier")) == [("fleet", "12", "fleet:12")]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_scope_is_not_deleted_while_it_gets_a_member(make_user):
    people, outcomes = [make_user(f"user{number}@example.com") for number in range(4)], []

    def run(call):
        try:
            call()
            outcomes.append("done")
        except (ScopeInUseException, ScopeNotFoundException) as error:
            outcomes.append(type(error).__name__)
        finally:
            connections.close_all()

    scope = make()
    calls = [lambda person=person: scopes.add_member(actor=None, scope_id=scope.pk, user=person) for person in people]
    calls.insert(2, lambda: scopes.delete(actor=None, scope_id=scope.pk))
    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = ScopeMembership.objects.count()
    assert (Scope.objects.count(), left) in {(1, 4), (0, 0)}, outcomes


def test_nobody_moves_a_scope_to_give_what_they_do_not_have(api, user, make_user, allow):
    region, scope = make("north", kind="region"), make("12")
    allow(make_user("holder@example.com"), "users:delete", scope="region:north")
    allow(user, "scopes:update", "scopes:create")
    api.force_authenticate(user)
    for call in (
        lambda: api.patch(f"{URL}{scope.pk}/", {"parent": region.pk}),
        lambda: api.post(URL, {"kind": "fleet", "key": "13", "parent": region.pk}),
    ):
        assert (call().status_code, call().json()["details"]) == (403, {"missing": ["users:delete"]})
    allow(user, "users:delete", scope="fleet:12")
    assert api.patch(f"{URL}{scope.pk}/", {"parent": region.pk}).status_code == 200


def test_nobody_adds_members_to_have_more_power_over_them(api, user, make_user, allow):
    own, other, bob = make("12", make("north", kind="region")), make("13"), make_user("bob@example.com")
    allow(user, "scopes:update", "users:read")
    allow(user, "users:update", "users:read", "events:read", scope="region:north")
    api.force_authenticate(user)
    refused = api.post(f"{URL}{own.pk}/members/", {"user": bob.pk})
    assert (refused.status_code, refused.json()["details"]) == (403, {"missing": ["users:update"]})
    assert api.post(f"{URL}{other.pk}/members/", {"user": bob.pk}).status_code == 201
    allow(user, "users:update", scope="fleet:13")
    assert api.post(f"{URL}{own.pk}/members/", {"user": bob.pk}).status_code == 201
