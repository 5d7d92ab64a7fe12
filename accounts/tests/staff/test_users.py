"""Users as staff work with them."""

import re

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import OneTimeToken, SecurityEvent, Session, User
from accounts.models.directory import MAX_HOLDERS_BY_ID
from conftest import PASSWORD
from notifications.models import Message
from rbac.models import Role, RoleAssignment
from rbac.services import assignments

pytestmark = pytest.mark.django_db(transaction=True)

USERS = "/api/v1/users/"
NEW = "Other-Kitchen-77?"


@pytest.fixture
def caller(api, make_user, sign_in):
    """Sign somebody in who holds the given codenames; answers a client that speaks as them."""

    def make(*codenames, email="staff@example.com", **fields):
        user = make_user(email, **fields)
        if codenames:
            give(user, *codenames)
        tokens = sign_in(email=email)
        from rest_framework.test import APIClient

        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
        client.user = user
        return client

    return make


def give(user, *codenames, role="Staff of tests"):
    from rbac.models import resource_permissions

    assignment, _ = Role.objects.get_or_create(name=role)
    wanted = resource_permissions().filter(codename__in=codenames)
    assert wanted.count() == len(codenames), codenames
    assignment.permissions.set(wanted)
    assignments.grant(actor=None, user=user, role=assignment)
    return assignment


@pytest.fixture
def boss(caller):
    return caller(email="boss@example.com", is_superuser=True, is_staff=True)


def emails(answer):
    assert answer.status_code == 200, answer.content
    return [row["email"] for row in answer.json()["results"]]


@pytest.mark.parametrize(
    ("method", "path", "codename"),
    [
        ("get", "", "users:read"),
        ("get", "{id}/", "users:read"),
        ("post", "", "users:create"),
        ("patch", "{id}/", "users:update"),
        ("delete", "{id}/", "users:delete"),
        ("post", "{id}/lock/", "users:lock"),
        ("post", "{id}/unlock/", "users:lock"),
        ("post", "{id}/invite/", "users:create"),
    ],
)
def test_each_view_names_its_permission(api, caller, user, method, path, codename):
    address = USERS + path.format(id=user.pk)
    assert getattr(api, method)(address, {}).status_code == 401
    refused = getattr(caller(), method)(address, {})
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_permissions")
    assert refused.json()["details"]["missing"] == [codename]


def test_the_list_shows_what_staff_need_and_no_secret(boss, user):
    role = give(user, "users:read", role="Readers")
    row = next(row for row in boss.get(USERS).json()["results"] if row["id"] == user.pk)
    assert row["roles"] == [role.name]
    assert (row["locked"], row["email_verified"], row["is_superuser"]) == (False, True, False)
    assert not {"password", "secret", "search_text"} & row.keys()


def test_search_takes_beginnings_and_parts_in_any_case(boss, make_user):
    make_user("anna.meyer@example.com", first_name="Anna", last_name="Meyer")
    make_user("b@example.com", first_name="Ben", last_name="ANDERS")
    make_user("c@example.com", first_name="Joanna")
    assert emails(boss.get(USERS, {"search": "AN"})) == ["b@example.com", "anna.meyer@example.com"]
    assert emails(boss.get(USERS, {"search": "anna mey"})) == ["anna.meyer@example.com"]
    assert emails(boss.get(USERS, {"search": "%"})) == []
    assert emails(boss.get(USERS, {"search": "a_na"})) == []


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


def test_a_user_made_with_a_password_can_sign_in_at_once(boss, sign_in):
    made = boss.post(USERS, {"email": "New@Example.com", "password": PASSWORD, "first_name": "New"})
    assert (made.status_code, made.json()["email"]) == (201, "new@example.com")
    assert sign_in(email="new@example.com")["access"]
    assert not [m for m in mail.outbox if "new@example.com" in m.to]


def test_a_user_made_without_a_password_is_invited_to_choose_one(api, boss, sign_in, link_token):
    made = boss.post(USERS, {"email": "new@example.com"})
    assert made.status_code == 201
    token = link_token("/password/reset/", to="new@example.com")
    assert api.post("/api/v1/auth/email/verify/", {"token": token}).json()["code"] == "invalid_token"
    assert api.post("/api/v1/auth/password/reset/", {"token": token, "password": NEW}).status_code == 204
    assert sign_in(email="new@example.com", password=NEW)["user"]["email_verified"]
    assert api.post("/api/v1/auth/password/reset/", {"token": token, "password": PASSWORD}).status_code == 401


def test_an_invited_user_can_get_another_link_or_invitation(api, boss, link_token):
    pk = boss.post(USERS, {"email": "new@example.com"}).json()["id"]
    first = link_token("/password/reset/", to="new@example.com")
    assert boss.post(f"{USERS}{pk}/invite/").status_code == 200
    second = link_token("/password/reset/", to="new@example.com")
    assert second != first
    assert api.post("/api/v1/auth/password/reset/", {"token": first, "password": NEW}).status_code == 401
    api.post("/api/v1/auth/password/forgot/", {"email": "new@example.com"})
    third = link_token("/password/reset/", to="new@example.com")
    assert third not in {first, second}
    assert api.post("/api/v1/auth/password/reset/", {"token": third, "password": NEW}).status_code == 204
    assert boss.post(f"{USERS}{pk}/invite/").status_code == 409


def test_a_taken_address_and_a_weak_password_are_refused(boss, user):
    taken = boss.post(USERS, {"email": user.email.upper(), "password": PASSWORD})
    assert (taken.status_code, taken.json()["code"]) == (422, "user_already_exists")
    assert boss.post(USERS, {"email": "new@example.com", "password": "weak"}).json()["code"] == "weak_password"


def test_an_unclaimed_account_with_the_address_is_replaced(api, boss, link_token):
    api.post("/api/v1/auth/register/", {"email": "new@example.com", "password": PASSWORD})
    token_of_another = link_token("/email/verify/")
    assert boss.post(USERS, {"email": "new@example.com"}).status_code == 201
    assert api.post("/api/v1/auth/email/verify/", {"token": token_of_another}).status_code == 401


def test_staff_flags_are_set_by_superusers_alone(caller, boss, user):
    staff = caller("users:read", "users:create", "users:update")
    for flag in ("is_staff", "is_superuser"):
        assert staff.patch(f"{USERS}{user.pk}/", {flag: True}).status_code == 403
        assert staff.post(USERS, {"email": "x@example.com", flag: True}).status_code == 403
    assert staff.patch(f"{USERS}{user.pk}/", {"is_staff": False, "first_name": "Ann"}).status_code == 200
    assert boss.patch(f"{USERS}{user.pk}/", {"is_staff": True}).json()["is_staff"] is True


def test_nobody_but_a_superuser_touches_a_superuser(caller, boss, make_user):
    chief = make_user("chief@example.com", is_superuser=True)
    staff = caller("users:read", "users:update", "users:delete", "users:lock")
    address = f"{USERS}{chief.pk}/"
    answers = [
        staff.patch(address, {"first_name": "X"}), staff.patch(address, {"is_active": False}), staff.delete(address),
        staff.post(f"{address}lock/"), staff.post(f"{address}unlock/"),
    ]  # fmt: skip
    assert [a.status_code for a in answers] == [403] * 5


def test_nobody_gives_an_address_to_somebody_who_holds_more(caller, user):
    give(user, "roles:assign", role="More")
    staff = caller("users:read", "users:update")
    refused = staff.patch(f"{USERS}{user.pk}/", {"email": "mine@example.com"})
    assert (refused.status_code, refused.json()["details"]["missing"]) == (403, ["roles:assign"])


def test_nobody_removes_their_own_power_or_the_last_superuser(boss, caller):
    own = f"{USERS}{boss.user.pk}/"
    calls = [
        lambda c: c.delete(own), lambda c: c.post(f"{own}lock/"), lambda c: c.patch(own, {"is_superuser": False}),
        lambda c: c.patch(own, {"is_active": False}), lambda c: c.patch(own, {"is_staff": False}),
    ]  # fmt: skip
    assert [call(boss).status_code for call in calls] == [409] * 5
    other = caller(email="chief@example.com", is_superuser=True)
    assert calls[1](other).status_code == 200  # another one may
    boss.user.refresh_from_db()
    assert boss.user.locked_at is not None
    # Now the other is the last who can sign in: not even the system takes them away.
    from accounts.exceptions import LastSuperuserException
    from accounts.services.staff import users
    from foodfleet.core.http.clients import Client

    with pytest.raises(LastSuperuserException):
        users.delete(pk=other.user.pk, actor=None, client=Client())


def test_a_deactivated_user_is_out_at_once_and_may_come_back(boss, caller):
    them = caller(email="ann@example.com")
    address = f"{USERS}{them.user.pk}/"
    assert boss.patch(address, {"is_active": False}).json()["is_active"] is False
    assert them.get("/api/v1/users/me/").status_code == 401
    assert not Session.objects.filter(user=them.user, ended_at__isnull=True).exists()
    assert boss.patch(address, {"is_active": True}).json()["is_active"] is True


def test_a_locked_user_is_out_at_once_until_unlocked(boss, caller, api, sign_in):
    them = caller(email="ann@example.com")
    assert boss.post(f"{USERS}{them.user.pk}/lock/").json()["locked"] is True
    assert them.get("/api/v1/users/me/").status_code == 401
    login = {"email": "ann@example.com", "password": PASSWORD}
    assert api.post("/api/v1/auth/login/", login).json()["code"] == "account_locked"
    assert boss.post(f"{USERS}{them.user.pk}/unlock/").json()["locked"] is False
    assert sign_in()["access"]


def test_a_reset_does_not_open_a_lock_by_staff(api, boss, user, link_token):
    boss.post(f"{USERS}{user.pk}/lock/")
    api.post("/api/v1/auth/password/forgot/", {"email": user.email})
    api.post("/api/v1/auth/password/reset/", {"token": link_token("/password/reset/"), "password": NEW})
    login = api.post("/api/v1/auth/login/", {"email": user.email, "password": NEW})
    assert login.json()["code"] == "account_locked"


def test_an_address_set_by_staff_is_verified_and_the_former_one_notified(api, caller, user, link_token, sign_in):
    staff = caller("users:read", "users:update")
    changed = staff.patch(f"{USERS}{user.pk}/", {"email": "ann.new@example.com"})
    assert (changed.json()["email"], changed.json()["email_verified"]) == ("ann.new@example.com", False)
    assert link_token("/account/email/undo/", to="ann@example.com")
    token = link_token("/email/verify/", to="ann.new@example.com")
    assert api.post("/api/v1/auth/email/verify/", {"token": token}).status_code == 204
    assert sign_in(email="ann.new@example.com")["access"]
    taken = staff.patch(f"{USERS}{user.pk}/", {"email": "staff@example.com"})
    assert (taken.status_code, taken.json()["code"]) in {(422, "user_already_exists"), (409, "conflict")}


def test_a_confirmed_phone_that_staff_change_is_reported_to_its_owner(caller, user):
    staff = caller("users:read", "users:update")
    User.objects.filter(pk=user.pk).update(phone="+491701234567", phone_verified_at=timezone.now())
    mail.outbox.clear()
    changed = staff.patch(f"{USERS}{user.pk}/", {"phone": "+491701234568"})
    assert (changed.json()["phone"], changed.json()["phone_verified"]) == ("+491701234568", False)
    assert [(sent.to, "phone number" in sent.body) for sent in mail.outbox] == [(["ann@example.com"], True)]
    staff.patch(f"{USERS}{user.pk}/", {"phone": ""})  # it was not confirmed
    assert len(mail.outbox) == 1


def test_deleting_a_user_leaves_only_a_pseudonym(api, boss, caller, sign_in):
    them = caller(email="ann@example.com", first_name="Ann", last_name="Meyer", phone="+491701234567")
    give(them.user, "users:read", role="Readers")
    api.post("/api/v1/auth/password/forgot/", {"email": "ann@example.com"})
    pk = them.user.pk
    assert boss.delete(f"{USERS}{pk}/").status_code == 204
    assert boss.get(f"{USERS}{pk}/").json()["code"] == "user_not_found"
    assert boss.delete(f"{USERS}{pk}/").status_code == 404
    assert them.get("/api/v1/users/me/").status_code == 401
    assert f"deleted-{pk}@deleted.invalid" not in emails(boss.get(USERS))
    row = User.objects.get(pk=pk)
    assert (row.email, row.first_name, row.phone, row.is_active) == (f"deleted-{pk}@deleted.invalid", "", "", False)
    assert not row.has_usable_password()
    assert not Session.objects.filter(user=pk).exists()
    assert not OneTimeToken.objects.filter(user=pk).exists()
    events = SecurityEvent.objects.filter(user=pk)
    assert events.filter(kind="user_deleted", actor=boss.user).count() == 1
    assert not events.exclude(kind="user_deleted").exclude(ip=None, user_agent="").exists()
    assert not any("ann@example.com" in str(m.to) for m in Message.objects.filter(user=pk))
    assert row.role_assignments.get().ended_at is not None
    assert api.post("/api/v1/auth/register/", {"email": "ann@example.com", "password": PASSWORD}).status_code == 202
    assert User.objects.filter(email="ann@example.com").exists()


def test_an_id_that_no_database_holds_is_not_found(boss):
    for pk in (2**63 - 1, 10**30):
        assert boss.get(f"{USERS}{pk}/").json()["code"] == "user_not_found"
        assert boss.patch(f"{USERS}{pk}/", {}).json()["code"] == "user_not_found"
        assert boss.post(f"{USERS}{pk}/lock/").json()["code"] == "user_not_found"


def test_users_export_all_their_own_data(caller):
    them = caller("users:read", first_name="Stan")
    answer = them.get("/api/v1/users/me/export/")
    data = answer.json()
    assert re.fullmatch(r'attachment; filename="account-\d+.json"', answer.headers["Content-Disposition"])
    assert data["profile"]["first_name"] == "Stan"
    assert data["roles"][0]["role"] == "Staff of tests"
    assert data["sessions"]
    assert {"events", "messages"} <= data.keys()
    assert "bcrypt" not in answer.content.decode()
    assert SecurityEvent.objects.filter(user=them.user, kind="data_exported").exists()


def test_a_user_who_must_change_the_password_can_be_made(boss, sign_in):
    boss.post(USERS, {"email": "new@example.com", "password": PASSWORD, "must_change_password": True})
    assert sign_in(email="new@example.com")["access"]
    assert User.objects.get(email="new@example.com").must_change_password


def test_a_phone_changed_by_staff_is_unconfirmed(boss, make_user):
    user = make_user(phone="+491701234567", phone_verified_at=timezone.now())
    changed = boss.patch(f"{USERS}{user.pk}/", {"phone": "+49 170 7654321"}).json()
    assert (changed["phone"], changed["phone_verified"]) == ("+491707654321", False)
