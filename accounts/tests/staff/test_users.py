"""Users as staff work with them."""

import pytest
from django.core import mail

from accounts.models import User
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

USERS = "/api/v1/users/"
NEW = "Other-Kitchen-77?"


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


def test_search_takes_beginnings_and_parts_in_any_case(boss, make_user):
    make_user("anna.meyer@example.com", first_name="Anna", last_name="Meyer")
    make_user("b@example.com", first_name="Ben", last_name="ANDERS")
    make_user("c@example.com", first_name="Joanna")
    assert emails(boss.get(USERS, {"search": "AN"})) == ["b@example.com", "anna.meyer@example.com"]
    assert emails(boss.get(USERS, {"search": "anna mey"})) == ["anna.meyer@example.com"]
    assert emails(boss.get(USERS, {"search": "%"})) == []
    assert emails(boss.get(USERS, {"search": "a_na"})) == []


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


def test_an_id_that_no_database_holds_is_not_found(boss):
    for pk in (2**63 - 1, 10**30):
        assert boss.get(f"{USERS}{pk}/").json()["code"] == "user_not_found"
        assert boss.patch(f"{USERS}{pk}/", {}).json()["code"] == "user_not_found"
        assert boss.post(f"{USERS}{pk}/lock/").json()["code"] == "user_not_found"


def test_a_user_who_must_change_the_password_can_be_made(boss, sign_in):
    boss.post(USERS, {"email": "new@example.com", "password": PASSWORD, "must_change_password": True})
    assert sign_in(email="new@example.com")["access"]
    assert User.objects.get(email="new@example.com").must_change_password
