"""How many statements the most frequent calls send."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Session
from rbac.models import Role
from rbac.services import graph

BOOKKEEPING = ("core_cacheversion", "SAVEPOINT")  # of caches without Redis, and of the test's own transaction


def statements(call):
    with CaptureQueriesContext(connection) as captured:
        answer = call()
    assert answer.status_code == 200, answer.content
    return [query["sql"] for query in captured if not any(word in query["sql"] for word in BOOKKEEPING)]


@pytest.fixture(autouse=True)
def _no_limit(settings):
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "user": None}


def test_a_refresh_is_one_select_one_update_and_one_insert(api, user, sign_in):
    token = sign_in()["refresh"]
    token = api.post("/api/v1/auth/refresh/", {"refresh": token}).json()["refresh"]
    sent = statements(lambda: api.post("/api/v1/auth/refresh/", {"refresh": token}))
    assert [sql.split()[0] for sql in sent] == ["SELECT", "UPDATE", "INSERT"]


def test_a_refresh_records_the_use_of_a_session_that_was_last_used_before(api, user, sign_in):
    token = sign_in()["refresh"]
    an_hour_ago = timezone.now() - timedelta(hours=1)
    Session.objects.update(last_used_at=an_hour_ago)
    api.post("/api/v1/auth/refresh/", {"refresh": token})
    assert timezone.now() - Session.objects.get().last_used_at < timedelta(minutes=1)


@pytest.mark.parametrize("query", ["", "?ordering=email", "?page_size=5", "?search=user", "?is_active=true"])
def test_a_list_of_users_is_one_statement(api, make_user, allow, monkeypatch, query):
    requester = make_user("caller@example.com", is_superuser=True)
    for number in range(25):
        allow(make_user(f"user{number}@example.com"), "users:read")
    api.force_authenticate(requester)
    roles = graph.load()
    monkeypatch.setattr(graph, "latest", lambda: roles)  # what a process remembers outside of transactions
    sent = statements(lambda: api.get(f"/api/v1/users/{query}"))
    assert len(sent) == 1, sent


def test_users_are_listed_with_their_roles_and_locks(api, make_user, allow):
    requester, holder = make_user("caller@example.com", is_superuser=True), make_user("held@example.com")
    locked = make_user("locked@example.com", locked_at=timezone.now())
    names = sorted(
        Role.objects.get(pk=allow(holder, codename).role_id).name for codename in ("users:read", "roles:read")
    )
    allow(holder, "users:read", scope="fleet:1")
    api.force_authenticate(requester)
    rows = {row["id"]: row for row in api.get("/api/v1/users/").json()["results"]}
    assert set(names) < set(rows[holder.pk]["roles"])
    assert len(rows[holder.pk]["roles"]) == 3
    assert rows[holder.pk]["roles"] == sorted(rows[holder.pk]["roles"])
    assert (rows[locked.pk]["locked"], rows[holder.pk]["locked"]) == (True, False)
    assert rows[requester.pk]["roles"] == []


@pytest.mark.parametrize("ordering", ["id", "-id", "email", "-last_name", "created_at"])
def test_pages_without_filters_equal_those_with_one(api, make_user, allow, ordering):
    api.force_authenticate(make_user("caller@example.com", is_superuser=True))
    for number in range(7):
        allow(make_user(f"user{number}@example.com", last_name="AB"[number % 2]), "users:read")

    def walk(filters):
        """The rows of all pages to the last one and back to the first."""
        pages = [api.get(f"/api/v1/users/?ordering={ordering}&page_size=3{filters}").json()]
        for link in ("next", "previous"):
            while pages[-1][link]:
                pages.append(api.get(pages[-1][link]).json())
        return [page["results"] for page in pages]

    found = walk("")
    assert [len(page) for page in found] == [3, 3, 2, 3, 3]
    assert found == walk("&service_account=false")
