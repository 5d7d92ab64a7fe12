"""The list of users: its rows, filters, order and cost."""

import pytest

from accounts.models import User
from accounts.models.directory import MAX_HOLDERS_BY_ID
from accounts.tests.conftest import give
from accounts.tests.staff.test_users import USERS, emails
from rbac.models import Role, RoleAssignment
from rbac.services import assignments

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_list_shows_what_staff_need_and_no_secret(boss, user):
    role = give(user, "users:read", role="Readers")
    row = next(row for row in boss.get(USERS).json()["results"] if row["id"] == user.pk)
    assert row["roles"] == [role.name]
    assert (row["locked"], row["email_verified"], row["is_superuser"]) == (False, True, False)
    assert not {"password", "secret", "search_text"} & row.keys()


def test_the_list_of_users_is_filtered_and_ordered(boss, make_user, api):
    make_user("off@example.com", is_active=False)
    shut = make_user("shut@example.com")
    guessed = make_user("guessed@example.com")
    role = give(make_user("held@example.com"), "users:read", role="Holders")
    boss.post(f"{USERS}{shut.pk}/lock/")
    for _ in range(5):
        api.post("/api/v1/auth/login/", {"email": guessed.email, "password": "Wrong-Wrong-1!"})
    assert emails(boss.get(USERS, {"is_active": "false"})) == ["off@example.com"]
    assert set(emails(boss.get(USERS, {"locked": "true"}))) == {"shut@example.com", "guessed@example.com"}
    assert not {"shut@example.com", "guessed@example.com"} & set(emails(boss.get(USERS, {"locked": "false"})))
    assert emails(boss.get(USERS, {"role": role.pk})) == ["held@example.com"]
    assert emails(boss.get(USERS, {"role": "Holders"})) == ["held@example.com"]
    assert emails(boss.get(USERS, {"role": "Nobody's"})) == []
    assert emails(boss.get(USERS, {"ordering": "email"})) == sorted(User.objects.values_list("email", flat=True))
    assert boss.get(USERS, {"is_active": "perhaps"}).status_code == 422
    assert boss.get(USERS, {"ordering": "password"}).status_code == 422


def test_pages_follow_each_other_without_gap_or_repetition(boss, make_user):
    User.objects.bulk_create([User(email=f"u{n:03}@example.com", password="!", last_name="Same") for n in range(50)])
    for ordering in ("-id", "email", "last_name", "-created_at"):
        seen, address = [], f"{USERS}?page_size=7&ordering={ordering}"
        while address:
            page = boss.get(address).json()
            seen += [row["id"] for row in page["results"]]
            address = page["next"]
        assert len(seen) == len(set(seen)) == User.objects.count()


def test_a_list_of_a_hundred_costs_at_most_three_queries_whatever_the_page(boss, django_assert_max_num_queries):
    role = Role.objects.create(name="Crew")
    people = User.objects.bulk_create([User(email=f"u{n:03}@example.com", password="!") for n in range(250)])
    for one in people[:30]:
        assignments.grant(actor=None, user=one, role=role)
    boss.get(USERS)  # fills the caches of the session and the permissions
    address = f"{USERS}?page_size=100"
    while address:
        with django_assert_max_num_queries(3 + QUERIES_OF_AUTHENTICATION):
            page = boss.get(address).json()
        address = page["next"]


def test_a_list_by_role_costs_no_more(boss, make_user, django_assert_max_num_queries):
    give(make_user("held@example.com"), "users:read", role="Holders")
    boss.get(USERS)
    # The role's holders, the page, its roles; without Redis also the version of the role graph.
    with django_assert_max_num_queries(4 + QUERIES_OF_AUTHENTICATION):
        assert emails(boss.get(USERS, {"role": "Holders"})) == ["held@example.com"]


def test_a_role_that_thousands_hold_is_filtered_by_as_well(boss):
    role = Role.objects.create(name="Crew")
    crew = User.objects.bulk_create(
        [User(email=f"u{n:04}@example.com", password="!") for n in range(MAX_HOLDERS_BY_ID + 3)]
    )
    User.objects.create(email="a-guest@example.com", password="!")
    RoleAssignment.objects.bulk_create([RoleAssignment(user=one, role=role) for one in crew[1:]])
    seen, address = [], f"{USERS}?role=Crew&page_size=100"
    while address:
        page = boss.get(address).json()
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    assert sorted(seen) == [one.pk for one in crew[1:]]


QUERIES_OF_AUTHENTICATION = (
    3  # the session with its user, and cache versions of access: none of them with a shared cache
)
