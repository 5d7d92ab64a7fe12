"""Accounts in Django's admin."""

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiKey, MFAReset, SecurityEvent, Session, User
from conftest import PASSWORD
from rbac.services import assignments, roles

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(client, make_user, settings):
    settings.ADMIN_REQUIRE_2FA = False
    boss = make_user("boss@example.com", is_staff=True, is_superuser=True)
    client.force_login(boss)
    client.boss = boss
    return client


def messages_of(page):
    """The messages above a page."""
    return " ".join(str(message) for message in page.context["messages"])


def act(client, action, *users, reason="theft", **given):
    """Confirm an action of the list of users; gives the page that follows."""
    chosen = {
        "action": action, "_selected_action": [user.pk for user in users], "confirmed": "1", "reason": reason, **given,
    }  # fmt: skip
    return client.post("/admin/accounts/user/", chosen, follow=True)


def test_lists_and_searches_open_and_show_no_secret(admin, user, sign_in):
    sign_in()
    for path in ("user/?q=ann", "session/?q=ann", "securityevent/", f"user/{user.pk}/change/"):
        page = admin.get(f"/admin/accounts/{path}")
        assert page.status_code == 200, path
        assert user.password not in page.content.decode()


def test_history_is_neither_added_nor_deleted(admin):
    for path in ("session/add/", "securityevent/add/"):
        assert admin.get(f"/admin/accounts/{path}").status_code == 403


def test_the_last_superuser_cannot_delete_themselves_in_the_admin(admin):
    answer = admin.post(f"/admin/accounts/user/{admin.boss.pk}/delete/", {"post": "yes"}, follow=True)
    assert answer.status_code == 200
    assert "own account" in messages_of(answer)
    assert get_user_model().objects.present().filter(pk=admin.boss.pk).exists()


def test_a_user_deleted_in_the_admin_becomes_a_pseudonym(admin, user):
    assert admin.post(f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"}).status_code == 302
    user.refresh_from_db()
    assert user.email == f"deleted-{user.pk}@deleted.invalid"


def test_a_user_added_in_the_admin_is_recorded_and_can_sign_in(admin, sign_in):
    form = {"email": "new@example.com", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert admin.post("/admin/accounts/user/add/", form).status_code == 302
    assert sign_in(email="new@example.com")["access"]
    assert SecurityEvent.objects.filter(kind="user_created").exists()


def password_page(user, password="Another-Grill-2031!"):
    return f"/admin/accounts/user/{user.pk}/password/", {
        "password1": password, "password2": password, "usable_password": "true", "set-password": "1",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_password_set_by_staff_is_remembered_and_ends_all_sessions(client, make_user, sign_in, api):
    client.force_login(make_user("root@example.com", is_staff=True, is_superuser=True))
    ann = make_user()
    access = sign_in()["access"]
    client.post(*password_page(ann))
    ann.refresh_from_db()
    assert ann.check_password("Another-Grill-2031!")
    assert ann.password_history.count() == 1
    assert api.get("/api/v1/users/me/", headers={"Authorization": f"Bearer {access}"}).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_staff_who_are_no_superusers_cannot_set_a_superusers_password(client, make_user):
    root = make_user("root@example.com", is_staff=True, is_superuser=True)
    staff = make_user("staff@example.com", is_staff=True)
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Helper", permissions=["users:read", "users:update"]))
    assignments.grant(actor=None, user=staff, role=role)
    client.force_login(staff)
    before = root.password
    client.post(*password_page(root))
    root.refresh_from_db()
    assert root.password == before


def test_a_services_error_is_shown_in_the_form_with_what_was_typed(admin, user):
    make = {"email": "other@example.com", "first_name": "Typed", "is_active": "on"}
    form = {**make, "is_superuser": ""}
    page = admin.post(f"/admin/accounts/user/{admin.boss.pk}/change/", form)
    assert page.status_code == 200
    assert "own account" in str(page.context["adminform"].form.non_field_errors())
    assert 'value="Typed"' in page.content.decode()
    admin.boss.refresh_from_db()
    assert (admin.boss.is_superuser, admin.boss.first_name) == (True, "")


def test_a_weak_password_for_a_new_user_is_refused_beside_its_field(admin):
    form = {"email": "new@example.com", "usable_password": "true", "password1": "short", "password2": "short"}
    page = admin.post("/admin/accounts/user/add/", form)
    assert page.status_code == 200
    assert {"password1", "password2"} & page.context["adminform"].form.errors.keys()
    assert not get_user_model().objects.filter(email="new@example.com").exists()


def test_a_password_of_the_history_is_refused_in_the_form(admin, user):
    first, second = "Another-Grill-2031!", "Another-Grill-2032!"
    assert admin.post(*password_page(user, first)).status_code == 302
    assert admin.post(*password_page(user, second)).status_code == 302
    page = admin.post(*password_page(user, first))
    assert page.status_code == 200
    assert page.context["form"].errors
    user.refresh_from_db()
    assert user.check_password(second)


def test_chosen_accounts_are_locked_and_unlocked(admin, user, sign_in, api):
    access = sign_in()["access"]
    act(admin, "lock", user)
    assert api.get("/api/v1/users/me/", headers={"Authorization": f"Bearer {access}"}).status_code == 401
    assert user.email in admin.get("/admin/accounts/user/?locked=yes").content.decode()
    act(admin, "unlock", user)
    assert user.email not in admin.get("/admin/accounts/user/?locked=yes").content.decode()
    assert sign_in()["access"]


def test_of_a_choice_that_holds_one_who_may_not_be_locked_nobody_is(admin, user):
    page = act(admin, "lock", user, admin.boss)
    assert "own account" in messages_of(page)
    user.refresh_from_db()
    assert user.locked_at is None


def test_a_user_added_without_a_password_is_invited_and_can_be_again(admin, mailoutbox):
    form = {"email": "new@example.com", "usable_password": "false"}
    assert admin.post("/admin/accounts/user/add/", form).status_code == 302
    act(admin, "invite", get_user_model().objects.get(email="new@example.com"))
    assert [mail.to for mail in mailoutbox] == [["new@example.com"]] * 2


def test_staff_who_may_not_lock_are_not_offered_it(client, make_user, user, settings):
    settings.ADMIN_REQUIRE_2FA = False
    staff = make_user("staff@example.com", is_staff=True)
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Reader", permissions=["users:read", "users:update"]))
    assignments.grant(actor=None, user=staff, role=role)
    client.force_login(staff)
    assert 'value="lock"' not in client.get("/admin/accounts/user/").content.decode()
    act(client, "lock", user)
    user.refresh_from_db()
    assert user.locked_at is None


def test_the_list_tells_roles_and_is_filtered_by_them(admin, make_user, user):
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Griller"))
    assignments.grant(actor=None, user=user, role=role, scope="fleet:12")
    make_user("other@example.com")
    page = admin.get(f"/admin/accounts/user/?role={role.pk}").content.decode()
    assert "Griller (fleet:12)" in page
    assert "other@example.com" not in page


def test_a_users_page_leads_to_their_sessions_and_events(admin, user, sign_in):
    sign_in()
    page = admin.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
    for path in ("session", "securityevent"):
        link = f"/admin/accounts/{path}/?user__id__exact={user.pk}"
        assert link in page
        assert user.email in admin.get(link).content.decode()


def test_the_list_of_users_costs_the_same_for_a_hundred(admin, django_assert_num_queries, make_user):
    admin.get("/admin/accounts/user/")
    with CaptureQueriesContext(connection) as few:
        admin.get("/admin/accounts/user/")
    cost = len(few)
    get_user_model().objects.bulk_create([get_user_model()(email=f"u{n}@example.com", password="!") for n in range(90)])
    admin.get("/admin/accounts/user/")  # reads again what the new rows made old in the cache
    with django_assert_num_queries(cost):
        admin.get("/admin/accounts/user/")


def test_actions_on_sessions_resets_and_keys_ask_first(admin, user, sign_in, make_user):
    sign_in()
    session = Session.objects.get(user=user)
    reset = MFAReset.objects.create(user=user, requested_by=make_user("other@example.com"), reason="Phone lost")
    key = ApiKey.objects.create(user=user, name="Payroll", prefix="0" * 12, digest="x")
    for path, action, row, field in (
        ("session", "end", session, "ended_at"), ("mfareset", "call_off", reset, "cancelled_at"),
        ("apikey", "revoke", key, "revoked_at"),
    ):  # fmt: skip
        chosen = {"action": action, "_selected_action": [row.pk]}
        confirmation = admin.post(f"/admin/accounts/{path}/", chosen)
        assert confirmation.context["sentence"].startswith("1 "), path
        assert user.email in confirmation.content.decode()
        row.refresh_from_db()
        assert getattr(row, field) is None
        admin.post(f"/admin/accounts/{path}/", {**chosen, "confirmed": "1"})
        row.refresh_from_db()
        assert getattr(row, field) is not None, path


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({"is_staff": True}, "accounts_user_staff"),
        ({"is_superuser": True}, "accounts_user_superuser"),
        ({"is_active": False}, "accounts_user_inactive"),
        ({"locked_at__isnull": False}, "accounts_user_locked"),
        ({"invited_at__isnull": False, "email_verified_at__isnull": True}, "accounts_user_invited"),
    ],
)
def test_a_filter_for_few_users_reads_their_index(filters, index):
    User.objects.bulk_create(User(email=f"user{number}@example.com") for number in range(2000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_user")
    plan = User.objects.filter(**filters).order_by("-pk")[:101].explain()
    assert f"Index Scan Backward using {index}" in plan, plan
