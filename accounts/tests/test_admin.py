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
