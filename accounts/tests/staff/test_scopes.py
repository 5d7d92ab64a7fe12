"""Permissions held in a scope open that scope's members, over HTTP, and nothing else."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from rbac.models import Role, RoleAssignment, ScopeMembership
from rbac.services import assignments, graph, roles, scopes

pytestmark = pytest.mark.django_db
USERS = "/api/v1/users/"
BOOKKEEPING = ("core_cacheversion", "SAVEPOINT")  # of caches without Redis, and of the test's own transaction
CODENAMES = ("users:read", "users:update", "users:lock", "roles:read", "roles:assign", "notifications:send")


@pytest.fixture
def fleets():
    """region:north with fleet:12 below it, and fleet:13."""
    region = scopes.create(actor=None, kind="region", key="north")
    below = scopes.create(actor=None, kind="fleet", key="12", parent=region.pk)
    return {one.identifier: one for one in (region, below, scopes.create(actor=None, kind="fleet", key="13"))}


@pytest.fixture
def member(make_user, fleets):
    """A member of fleet:12."""
    found = make_user("member@example.com", phone="+4915123456789", phone_verified_at=timezone.now())
    scopes.add_member(actor=None, scope_id=fleets["fleet:12"].pk, user=found)
    return found


@pytest.fixture
def outsider(make_user, fleets):
    """A member of fleet:13."""
    found = make_user("outsider@example.com", phone="+4915123456780", phone_verified_at=timezone.now())
    scopes.add_member(actor=None, scope_id=fleets["fleet:13"].pk, user=found)
    return found


@pytest.fixture
def as_manager(api, user):
    api.force_authenticate(user)
    return api


def calls(api, target, role):
    """What may be done to `target`: the status of each."""
    url = f"{USERS}{target.pk}/"
    scope = ScopeMembership.objects.filter(user=target).values_list("scope", flat=True).get()
    email = {"to": [target.email], "subject": "Hi", "text": "Hello"}
    results = {
        "detail": api.get(url),
        "update": api.patch(url, {"first_name": "New"}),
        "lock": api.post(f"{url}lock/"),
        "unlock": api.post(f"{url}unlock/"),
        "roles": api.get(f"{url}roles/"),
        "assign": api.post(f"{url}roles/", {"role": role.pk, "scope": scope}),
        "revoke": api.delete(f"{url}roles/{role.pk}/?scope={scope}"),
        "email": api.post("/api/v1/notifications/email/", email),
        "sms": api.post("/api/v1/notifications/sms/", {"to": target.phone, "text": "Hello"}),
    }
    statuses = {name: answer.status_code for name, answer in results.items()}
    listed = api.get(USERS)
    statuses["list"] = listed.status_code
    if listed.status_code == 200:
        statuses["listed"] = target.pk in [row["id"] for row in listed.json()["results"]]
    return statuses


EVERYTHING = {
    "detail": 200, "update": 200, "lock": 200, "unlock": 200, "roles": 200, "assign": 201, "revoke": 204,
    "email": 202, "sms": 202, "list": 200, "listed": True,
}  # fmt: skip
NOTHING = {name: 403 for name in EVERYTHING if name != "listed"}
OTHERS = {
    "detail": 404, "update": 404, "lock": 404, "unlock": 404, "roles": 404, "assign": 403, "revoke": 403,
    "email": 403, "sms": 403, "list": 200, "listed": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("held_in", "expected"),
    [
        ("", EVERYTHING),
        ("fleet:12", EVERYTHING),
        ("region:north", EVERYTHING),
        ("fleet:13", OTHERS),
        ("fleet:99", OTHERS),  # no such scope: nobody belongs to it
        ("expired fleet:12", NOTHING),
        (None, NOTHING),
    ],
)
def test_a_permission_opens_members_of_its_scope_and_those_below(as_manager, user, member, allow, held_in, expected):
    if held_in is not None:
        assignment = allow(user, *CODENAMES, scope=held_in.removeprefix("expired "))
        if held_in.startswith("expired"):
            RoleAssignment.objects.filter(pk=assignment.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    role = roles.create(actor=None, edit=roles.RoleEdit(name="small", permissions=["users:read"]))
    assert calls(as_manager, member, role) == expected


def test_who_reads_everybody_and_manages_one_fleet_gets_403_elsewhere(as_manager, user, outsider, allow):
    allow(user, "users:read", "roles:read")
    allow(user, *CODENAMES, scope="fleet:12")
    statuses = calls(as_manager, outsider, Role.objects.get(name="Driver"))
    refused = dict.fromkeys(("update", "lock", "unlock", "assign", "revoke", "email", "sms"), 403)
    assert statuses == {**EVERYTHING, **refused}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "users/"),
        ("delete", "users/{pk}/"),
        ("post", "users/{pk}/invite/"),
        ("post", "users/{pk}/password-link/"),
        ("get", "users/{pk}/sessions/"),
        ("post", "users/{pk}/sessions/end/"),
        ("post", "users/{pk}/2fa-reset/"),
        ("get", "events/"),
        ("get", "roles/"),
        ("get", "scopes/"),
        ("get", "notifications/"),
        ("get", "service-accounts/"),
        ("get", "permissions/"),
    ],
)
def test_an_administrator_of_a_scope_gets_nothing_else(as_manager, user, member, method, path):
    administrator = Role.objects.get(name="Administrator")
    assignments.grant(actor=None, user=user, role=administrator, scope="fleet:12")
    answer = getattr(as_manager, method)(f"/api/v1/{path.format(pk=member.pk)}", {})
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_permissions")


def test_a_manager_of_a_scope_cannot_gain_or_give_more(as_manager, user, fleets, member, outsider, make_user, allow):
    allow(user, *CODENAMES, scope="fleet:12")
    scopes.add_member(actor=None, scope_id=fleets["fleet:12"].pk, user=user)
    small = roles.create(actor=None, edit=roles.RoleEdit(name="small", permissions=["users:read"]))
    large = roles.create(actor=None, edit=roles.RoleEdit(name="large", permissions=["users:delete"]))
    own, theirs = f"{USERS}{user.pk}/roles/", f"{USERS}{member.pk}/roles/"
    for url, body in (
        (theirs, {"role": small.pk}),  # everywhere
        (theirs, {"role": small.pk, "scope": "region:north"}),  # above
        (theirs, {"role": small.pk, "scope": "fleet:13"}),
        (theirs, {"role": large.pk, "scope": "fleet:12"}),  # more than they hold
        (own, {"role": large.pk, "scope": "fleet:12"}),
        (own, {"role": small.pk}),
    ):
        assert as_manager.post(url, body).status_code == 403, body
    stronger = make_user("boss@example.com")
    allow(stronger, "users:delete")
    scopes.add_member(actor=None, scope_id=fleets["fleet:12"].pk, user=stronger)
    url = f"{USERS}{stronger.pk}/"
    assert [as_manager.patch(url, {"first_name": "X"}).status_code, as_manager.post(f"{url}lock/").status_code] == [
        403
    ] * 2
    root = make_user("root@example.com", is_superuser=True)
    scopes.add_member(actor=None, scope_id=fleets["fleet:12"].pk, user=root)
    assert as_manager.post(f"{USERS}{root.pk}/lock/").status_code == 403
    assert as_manager.patch(f"{USERS}{member.pk}/", {"is_superuser": True}).status_code == 403


def test_an_assignment_in_another_scope_of_a_member_is_refused(as_manager, user, fleets, member, outsider, allow):
    """Roles are given in fleet:12 to members of fleet:12, not to those whom the manager reaches in fleet:13."""
    allow(user, "roles:assign", "roles:read", "users:read", scope="fleet:12")
    allow(user, "roles:assign", "roles:read", "users:read", scope="fleet:13")
    small = roles.create(actor=None, edit=roles.RoleEdit(name="small", permissions=["users:read"]))
    url = f"{USERS}{outsider.pk}/roles/"
    assert as_manager.post(url, {"role": small.pk, "scope": "fleet:13"}).status_code == 201
    assert as_manager.post(url, {"role": small.pk, "scope": "fleet:12"}).status_code == 403


def test_a_list_in_a_scope_is_one_statement_and_pages_along(as_manager, user, fleets, make_user, allow, monkeypatch):
    people = User.objects.bulk_create(User(email=f"user{number}@example.com") for number in range(30))
    for scope, some in (("fleet:12", people[:25]), ("fleet:13", people[5:])):
        ScopeMembership.objects.bulk_create(ScopeMembership(scope=fleets[scope], user=one) for one in some)
    allow(user, "users:read", scope="fleet:12")
    allow(user, "users:read", scope="region:north")
    latest = graph.load()
    monkeypatch.setattr(graph, "latest", lambda: latest)
    monkeypatch.setattr(graph, "of_version", lambda found: latest)
    as_manager.get(USERS)
    with CaptureQueriesContext(connection) as captured:
        page = as_manager.get(f"{USERS}?page_size=20").json()
    sent = [query["sql"] for query in captured if not any(word in query["sql"] for word in BOOKKEEPING)]
    assert len(sent) == 1, sent
    found = [row["id"] for row in page["results"] + as_manager.get(page["next"]).json()["results"]]
    assert found == sorted((one.pk for one in people[:25]), reverse=True)


def test_the_list_filters_by_scope_what_the_caller_sees(as_manager, user, fleets, member, outsider, allow):
    allow(user, "users:read", scope="region:north")

    def found(scope):
        return [row["id"] for row in as_manager.get(f"{USERS}?scope={scope}").json()["results"]]

    assert [found(scope) for scope in ("fleet:12", "fleet:13", "region:north")] == [[member.pk], [], []]
    allow(user, "users:read")
    assert found("fleet:13") == [outsider.pk]


def test_my_account_tells_roles_and_permissions_by_scope(as_manager, user, allow):
    held = [allow(user, "users:read"), allow(user, "users:read", "users:lock", scope="fleet:12")]
    names = [one.role.name for one in held]
    me = as_manager.get(f"{USERS}me/").json()
    assert me["access"] == [
        {"scope": None, "roles": names[:1], "permissions": ["users:read"]},
        {"scope": "fleet:12", "roles": names[1:], "permissions": ["users:lock", "users:read"]},
    ]
    assert (me["roles"], me["permissions"]) == (sorted(names), ["users:read"])


def test_my_export_has_my_memberships(as_manager, user, fleets):
    scopes.add_member(actor=None, scope_id=fleets["fleet:12"].pk, user=user)
    exported = as_manager.get(f"{USERS}me/export/").json()
    assert [one["scope"] for one in exported["scopes"]] == ["fleet:12"]


@pytest.mark.django_db(transaction=True)
def test_a_removed_member_is_not_seen_after_the_answer(user, fleets, member, allow):
    allow(user, "users:read", "users:lock", scope="fleet:12")
    removed, late, seen = threading.Event(), [], threading.Event()

    def read():
        api = APIClient()
        api.force_authenticate(User.objects.get(pk=user.pk))
        try:
            for _ in range(200):
                after = removed.is_set()
                found = api.get(f"{USERS}{member.pk}/").status_code
                seen.set()
                if after:
                    late.extend([found, api.post(f"{USERS}{member.pk}/lock/").status_code])
                    return
        finally:
            connections.close_all()

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    assert seen.wait(20)
    scopes.remove_member(actor=None, scope_id=fleets["fleet:12"].pk, user_id=member.pk)
    removed.set()
    for reader in readers:
        reader.join()
    assert set(late) == {404}
    assert not User.objects.get(pk=member.pk).locked_at


@pytest.mark.postgres
def test_lists_of_members_read_an_index_at_a_hundred_thousand_users(fleets, allow):
    people = User.objects.bulk_create(
        (User(email=f"user{number}@example.com") for number in range(100_000)), batch_size=5000
    )
    few = [ScopeMembership(scope=fleets["fleet:13"], user=one) for one in people[:50]]
    many = [ScopeMembership(scope=fleets["fleet:12"], user=one) for one in people]
    ScopeMembership.objects.bulk_create(few + many, batch_size=5000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_user, rbac_scope, rbac_scopemembership")
    for scope, reader in (("fleet:12", people[0]), ("fleet:13", people[1])):
        allow(reader, "users:read", scope=scope)
        for page in (
            User.objects.present().visible_to(reader, "users:read").order_by("-pk")[:21],
            ScopeMembership.objects.filter(scope=scope, pk__gt=10).order_by("pk")[:21],
        ):
            plan = page.explain(analyze=True)
            assert "Seq Scan" not in plan, plan
            assert scope == "fleet:12" or "scope_id" in plan.partition("Index Cond:")[2], plan  # not all users in turn
