"""Accounts in Django's admin."""

import pytest
from django.contrib.auth import get_user_model

from accounts.models import SecurityEvent
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(client, make_user, settings):
    settings.ADMIN_REQUIRE_2FA = False
    boss = make_user("boss@example.com", is_staff=True, is_superuser=True)
    client.force_login(boss)
    client.boss = boss
    return client


def test_lists_and_searches_open_and_show_no_secret(admin, user, sign_in):
    sign_in()
    for path in ("user/?q=ann", "session/?q=ann", "securityevent/", f"user/{user.pk}/change/"):
        page = admin.get(f"/admin/accounts/{path}")
        assert page.status_code == 200, path
        assert user.password not in page.content.decode()


def test_history_is_neither_added_nor_deleted(admin):
    for path in ("session/add/", "securityevent/add/"):
        assert admin.get(f"/admin/accounts/{path}").status_code == 403


def test_the_last_superuser_cannot_delete_themselves_there_either(admin):
    answer = admin.post(f"/admin/accounts/user/{admin.boss.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 409
    assert get_user_model().objects.present().filter(pk=admin.boss.pk).exists()


def test_a_user_deleted_there_leaves_a_pseudonym(admin, user):
    assert admin.post(f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"}).status_code == 302
    user.refresh_from_db()
    assert user.email == f"deleted-{user.pk}@deleted.invalid"


def test_a_user_added_there_is_recorded_and_can_sign_in(admin, sign_in):
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
    from rbac.services import assignments, roles

    root = make_user("root@example.com", is_staff=True, is_superuser=True)
    staff = make_user("staff@example.com", is_staff=True)
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Helper", permissions=["users:read", "users:update"]))
    assignments.grant(actor=None, user=staff, role=role)
    client.force_login(staff)
    before = root.password
    client.post(*password_page(root))
    root.refresh_from_db()
    assert root.password == before
