"""Service accounts: managed by staff, and never signed in to as people are."""

import pytest
from django.core import mail
from django.core.management import call_command

from accounts.models import SecurityEvent, ServiceAccount, User
from accounts.services.account import password_reset, registration
from accounts.services.login import password
from accounts.services.staff import exports
from accounts.tests.programs.conftest import Caller
from conftest import PASSWORD
from foodfleet.core.http.clients import Client

pytestmark = pytest.mark.django_db


def test_staff_create_change_list_and_delete_a_service_account(boss, account, make_user):
    owner = make_user("owner@example.com")
    path = f"/service-accounts/{account}/"
    changed = boss.call("patch", path, {"name": "Wages", "owner": owner.pk, "description": ""})
    assert changed.status_code == 200
    shown = boss.call("get", path).json()
    assert shown == changed.json()
    assert (shown["name"], shown["description"], shown["owner"]) == ("Wages", "", owner.pk)
    assert (shown["is_active"], shown["roles"], shown["last_used_at"]) == (True, [], None)
    assert [one["id"] for one in boss.call("get", "/service-accounts/").json()["results"]] == [account]
    assert boss.call("delete", path).status_code == 204
    assert boss.call("get", path).json()["code"] == "service_account_not_found"
    assert boss.call("get", "/service-accounts/").json()["results"] == []


def test_service_accounts_are_searched_and_sorted_by_id(boss, account):
    other = boss.call("post", "/service-accounts/", {"name": "Till", "description": "Paris"}).json()["id"]

    def listed(query):
        return [one["id"] for one in boss.call("get", f"/service-accounts/?{query}").json()["results"]]

    assert [listed(f"search={word}") for word in ("payroll", "wages", "TILL paris", "nobody")] == [
        [account], [account], [other], [],
    ]  # fmt: skip
    assert [listed("ordering=id"), listed("ordering=-id"), listed("")] == [
        [account, other], [other, account], [other, account],
    ]  # fmt: skip
    first = boss.call("get", "/service-accounts/?ordering=id&page_size=1").json()
    assert [one["id"] for one in boss.get(first["next"]).json()["results"]] == [other]


def test_the_owner_is_whoever_created_the_account(boss, account):
    assert boss.call("get", f"/service-accounts/{account}/").json()["owner"] == User.objects.get(is_superuser=True).pk


@pytest.mark.parametrize("owner", [4711, 2**63 - 1])
def test_the_owner_has_to_exist(boss, owner):
    refused = boss.call("post", "/service-accounts/", {"name": "Payroll", "owner": owner})
    assert (refused.status_code, refused.json()["details"]["owner"][0]["code"]) == (422, "does_not_exist")


def test_a_service_account_owns_no_service_account(boss, account):
    refused = boss.call("post", "/service-accounts/", {"name": "Other", "owner": account})
    assert refused.status_code == 422


def test_the_account_of_a_deleted_owner_stays_without_owner(boss, account, make_user):
    owner = make_user("owner@example.com")
    boss.call("patch", f"/service-accounts/{account}/", {"owner": owner.pk})
    assert boss.call("delete", f"/users/{owner.pk}/").status_code == 204
    assert boss.call("get", f"/service-accounts/{account}/").json()["owner"] is None


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("get", "/service-accounts/", "read"),
        ("get", "/service-accounts/{}/", "read"),
        ("post", "/service-accounts/", "create"),
        ("patch", "/service-accounts/{}/", "update"),
        ("delete", "/service-accounts/{}/", "delete"),
        ("get", "/service-accounts/{}/keys/", "update"),
        ("post", "/service-accounts/{}/keys/", "update"),
    ],
)
def test_each_call_needs_its_permission(account, user, allow, sign_in, method, path, needed):
    ann = Caller(sign_in()["access"])
    body = {"name": "Name"} if method != "get" else None
    refused = ann.call(method, path.format(account), body)
    assert (refused.status_code, refused.json()["details"]) == (403, {"missing": [f"service_accounts:{needed}"]})
    allow(user, f"service_accounts:{needed}")
    assert ann.call(method, path.format(account), body).status_code in {200, 201, 204}


def test_nobody_gets_a_key_of_an_account_that_may_do_more(user, account, allow, sign_in, roles_of_account):
    roles_of_account("users:delete", scope="fleet:12")
    allow(user, "service_accounts:update")
    refused = Caller(sign_in()["access"]).call("post", f"/service-accounts/{account}/keys/", {"name": "Mine"})
    assert (refused.status_code, refused.json()["details"]) == (403, {"missing": ["users:delete"]})


def test_a_service_account_gets_no_role_that_exceeds_its_giver(user, account, allow, sign_in, make_user):
    allow(user, "roles:assign", "service_accounts:update")
    role = allow(make_user("other@example.com"), "users:delete").role
    given = Caller(sign_in()["access"]).call("post", f"/users/{account}/roles/", {"role": role.pk})
    assert given.status_code == 403


def test_user_lists_tell_service_accounts_from_people(boss, account):
    listed = boss.call("get", "/users/").json()["results"]
    assert {one["id"] for one in listed if one["is_service_account"]} == {account}
    only = boss.call("get", "/users/", {"service_account": "true"}).json()["results"]
    assert [one["id"] for one in only] == [account]
    people = boss.call("get", "/users/", {"service_account": "false"}).json()["results"]
    assert account not in {one["id"] for one in people}
    assert people


def test_the_password_of_a_service_account_is_never_compared(account):
    address = User.objects.get(pk=account).email
    user = User.objects.get(pk=account)
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    with pytest.raises(password.InvalidCredentialsException):
        password.sign_in(email=address, password=PASSWORD, client=Client())


def test_nobody_registers_the_address_of_a_service_account(account, api):
    address = User.objects.get(pk=account).email
    refused = api.post("/api/v1/auth/register/", {"email": address, "password": PASSWORD})
    assert refused.status_code == 422
    assert ServiceAccount.objects.filter(pk=account).exists()


def test_no_mail_goes_to_a_service_account(boss, account):
    address = User.objects.get(pk=account).email
    mail.outbox.clear()
    password_reset.mail_link(email=address, client=Client())
    registration.mail_confirmation_again(email=address, client=Client())
    assert boss.call("post", f"/users/{account}/password-link/").status_code == 409
    assert boss.call("post", f"/users/{account}/invite/").status_code == 409
    assert boss.call("post", f"/users/{account}/lock/").status_code == 200
    assert boss.call("post", "/notifications/email/", {"to": [address], "subject": "A", "text": "B"}).status_code == 422
    assert mail.outbox == []


@pytest.mark.parametrize("change", [{"email": "new@example.com"}, {"is_staff": True}, {"is_superuser": True}])
def test_staff_make_no_person_of_a_service_account(boss, account, change):
    refused = boss.call("patch", f"/users/{account}/", change)
    assert refused.status_code == 409
    assert not User.objects.filter(pk=account, **change).exists()


def test_changes_of_a_service_account_are_security_events(boss, account):
    boss.call("patch", f"/service-accounts/{account}/", {"name": "Wages"})
    boss.call("patch", f"/service-accounts/{account}/", {"is_active": False})
    boss.call("patch", f"/service-accounts/{account}/", {"is_active": True})
    kinds = list(SecurityEvent.objects.filter(user=account).order_by("pk").values_list("kind", flat=True))
    assert kinds == ["service_account_created", "service_account_updated", "user_deactivated", "user_activated"]


def test_an_export_of_users_leaves_service_accounts_out(account):
    emails = [row[0] for row in exports.rows()]
    assert emails == ["boss@example.com"]


def test_an_import_makes_no_user_of_a_service_address(account, tmp_path):
    path = tmp_path / "users.csv"
    path.write_text(f"email\n{User.objects.get(pk=account).email}\nnew-service@service.invalid\n")
    call_command("import_users", str(path))
    assert User.objects.count() == 2


def test_guessing_a_password_with_a_key_tells_nobody(account, new_key):
    program = Caller(new_key()["key"])
    mail.outbox.clear()
    for _ in range(6):
        assert program.call("post", "/auth/proof/", {"password": "Wrong-1234!"}).status_code == 401
    assert mail.outbox == []
    assert program.call("get", "/users/me/").status_code == 200


def test_a_program_does_not_delete_its_account(account, new_key):
    assert Caller(new_key()["key"]).call("delete", "/users/me/").status_code == 403
    assert User.objects.get(pk=account).deletion_due_at is None
