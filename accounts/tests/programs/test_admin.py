"""Service accounts and API keys in the admin."""

import re

import pytest

from accounts.models import ApiKey, ServiceAccount, User
from accounts.tests.programs.conftest import Caller

pytestmark = pytest.mark.django_db
ACCOUNTS, KEYS = "/admin/accounts/serviceaccount/", "/admin/accounts/apikey/"


@pytest.fixture
def staff(client, make_user, settings):
    """A superuser in the admin."""
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(make_user("staff@example.com", is_superuser=True, is_staff=True))
    return client


def created_key(staff, account, **values):
    answer = staff.post(f"{KEYS}add/", {"account": account, "name": "Production", **values})
    assert answer.status_code == 200
    return re.search(r"ffk_[0-9a-f]{12}_[A-Za-z0-9]{43}", answer.content.decode())[0]


def test_staff_create_and_change_a_service_account(staff):
    assert staff.post(f"{ACCOUNTS}add/", {"name": "Payroll", "description": "Wages"}).status_code == 302
    account = ServiceAccount.objects.get()
    assert (account.name, account.owner.email) == ("Payroll", "staff@example.com")
    page = f"{ACCOUNTS}{account.pk}/change/"
    assert "Payroll" in staff.get(page).content.decode()
    changed = {"name": "Wages", "description": "", "owner": account.owner_id}
    assert staff.post(page, changed).status_code == 302
    user = User.objects.get(pk=account.pk)
    assert (user.first_name, user.is_active) == ("Wages", False)
    assert staff.get(ACCOUNTS).status_code == 200


def test_a_new_key_is_shown_once(staff, account):
    key = created_key(staff, account, networks="10.0.0.0/8\n127.0.0.1")
    assert Caller(key).call("get", "/users/me/").status_code == 200
    row = ApiKey.objects.get()
    assert row.allowed_networks == ["10.0.0.0/8", "127.0.0.1/32"]
    for page in (KEYS, f"{KEYS}{row.pk}/change/", f"{ACCOUNTS}{account}/change/"):
        answer = staff.get(page)
        assert answer.status_code == 200
        assert key not in answer.content.decode()


def test_the_page_of_a_service_account_tells_whether_its_keys_are_accepted(staff, account):
    page = f"{ACCOUNTS}{account}/change/"
    assert staff.get(page).context["state"].sentence == "It has no usable API key."
    key = created_key(staff, account)
    assert staff.get(page).context["state"].sentence == "Active, and never used yet."
    Caller(key).call("get", "/users/me/")
    shown = staff.get(page)
    assert shown.context["state"].sentence.startswith("Active. Last used: ")
    assert [section.anchor for section in shown.context["sections"]] == ["keys", "roles", "events"]
    assert f"{KEYS}add/?account={account}" in shown.content.decode()
    User.objects.filter(pk=account).update(is_active=False)
    assert staff.get(page).context["state"].sentence == "Not active: its API keys are refused."


def test_the_permissions_of_a_key_are_chosen(staff, account):
    assert 'value="users:read"' in staff.get(f"{KEYS}add/").content.decode()
    refused = staff.post(f"{KEYS}add/", {"account": account, "name": "Key", "codenames": ["users:fly"]})
    assert "codenames" in refused.context["adminform"].form.errors


def test_errors_of_a_new_key_stand_at_their_fields(staff, account):
    wrong = {"account": account, "name": "Key", "codenames": "users:read", "networks": "10.0.0.0/8"}
    answer = staff.post(f"{KEYS}add/", wrong)
    assert "codenames" in answer.context["adminform"].form.errors
    answer = staff.post(f"{KEYS}add/", {**wrong, "codenames": [], "networks": "nowhere"})
    assert "networks" in answer.context["adminform"].form.errors
    assert not ApiKey.objects.exists()


def test_staff_revoke_keys(staff, account):
    key = created_key(staff, account)
    chosen = {"action": "revoke", "confirmed": "1", "_selected_action": [ApiKey.objects.get().pk]}
    for _ in range(2):
        assert staff.post(KEYS, chosen).status_code == 302
    assert Caller(key).call("get", "/users/me/").status_code == 401


def test_nobody_changes_or_deletes_a_key(staff, account):
    created_key(staff, account)
    page = f"{KEYS}{ApiKey.objects.get().pk}"
    assert staff.post(f"{page}/change/", {"name": "Other"}).status_code == 403
    assert staff.post(f"{page}/delete/", {"post": "yes"}).status_code == 403


def test_staff_delete_a_service_account_with_its_keys(staff, account):
    key = created_key(staff, account)
    assert staff.post(f"{ACCOUNTS}{account}/delete/", {"post": "yes"}).status_code == 302
    assert not ServiceAccount.objects.exists()
    assert Caller(key).call("get", "/users/me/").status_code == 401


def test_the_list_of_users_filters_service_accounts(staff, account):
    listed = staff.get("/admin/accounts/user/?service_account=yes").context["cl"].result_list
    assert [one.pk for one in listed] == [account]
    people = staff.get("/admin/accounts/user/?service_account=no").context["cl"].result_list
    assert account not in {one.pk for one in people}


def test_staff_set_no_password_for_a_service_account(staff, account):
    body = {"password1": "Another-Grill-2027!", "password2": "Another-Grill-2027!", "usable_password": "true"}
    staff.post(f"/admin/accounts/user/{account}/password/", body)
    assert not User.objects.get(pk=account).has_usable_password()


def test_readers_see_keys_and_create_none(client, account, make_user, allow, settings):
    settings.ADMIN_REQUIRE_2FA = False
    reader = make_user("reader@example.com", is_staff=True)
    allow(reader, "service_accounts:read")
    client.force_login(reader)
    assert client.get(KEYS).status_code == 200
    assert client.get(f"{KEYS}add/").status_code == 403
    assert client.get(f"{ACCOUNTS}{account}/change/").status_code == 200
    assert client.post(f"{ACCOUNTS}{account}/change/", {"name": "Other"}).status_code == 403
