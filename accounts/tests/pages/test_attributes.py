"""Custom attributes on the account page and in the admin."""

import pytest

from accounts.models import User
from conftest import PASSWORD

pytestmark = pytest.mark.django_db

SCHEMA = {
    "properties": {
        "shift": {"type": "string", "enum": ["day", "night"], "x-editable": "owner"},
        "night_licence": {"type": "boolean", "x-editable": "owner"},
        "employee_number": {"type": "string", "pattern": "^[0-9]{6}$"},
        "seats": {"type": "integer", "minimum": 1, "x-visible": "staff"},
        "rating": {"type": "number", "x-visible": "staff", "x-editable": "import"},
        "legacy_id": {"type": "string", "x-visible": "hidden"},
    }
}
NAMES = {"first_name": "Ann", "last_name": "Lee", "language": "en"}


@pytest.fixture(autouse=True)
def _schema(settings):
    settings.USER_ATTRIBUTES = SCHEMA


@pytest.fixture
def ann(user):
    User.objects.filter(pk=user.pk).update(
        attributes={"shift": "day", "employee_number": "123456", "seats": 2, "rating": 4.5, "legacy_id": "secret-7"}
    )
    user.refresh_from_db()
    return user


def test_owners_see_and_change_their_attributes_on_the_account_page(client, ann):
    client.post("/login/", {"email": ann.email, "password": PASSWORD})
    page = client.get("/account/").content.decode()
    assert "123456" in page
    assert 'name="attributes.shift"' in page
    assert not any(hidden in page for hidden in ("secret-7", "attributes.seats", "attributes.employee_number"))
    sent = {**NAMES, "attributes.shift": "night", "attributes.night_licence": "true", "attributes.seats": "9"}
    assert client.post("/account/", sent).status_code == 302
    ann.refresh_from_db()
    assert (ann.attributes["shift"], ann.attributes["night_licence"], ann.attributes["seats"]) == ("night", True, 2)
    assert client.post("/account/", {**NAMES, "attributes.shift": ""}).status_code == 302
    ann.refresh_from_db()
    assert "shift" not in ann.attributes
    assert "night_licence" not in ann.attributes
    assert client.post("/account/", {**NAMES, "attributes.shift": "evening"}).status_code == 422


@pytest.fixture
def boss(client, make_user):
    boss = make_user("boss@example.com", is_superuser=True, is_staff=True)
    client.post("/login/", {"email": boss.email, "password": PASSWORD})
    return boss


def form_of(page):
    return {name: "" if value is None else value for name, value in page.context["adminform"].form.initial.items()}


def test_staff_see_and_change_attributes_in_the_admin(client, boss, ann):
    path = f"/admin/accounts/user/{ann.pk}/change/"
    page = client.get(path)
    text = page.content.decode()
    assert "secret-7" not in text
    assert "4.5" in text
    assert 'name="attributes.seats"' in text
    assert 'name="attributes.rating"' not in text
    sent = {
        "email": ann.email, "is_active": "on", "language": "", "first_name": "", "last_name": "", "phone": "",
        "attributes.shift": "day", "attributes.employee_number": "123456", "attributes.seats": "0",
        "attributes.night_licence": "",
    }  # fmt: skip
    refused = client.post(path, sent)
    assert refused.status_code == 200
    assert "attributes.seats" in refused.context["adminform"].form.errors
    assert client.post(path, {**sent, "attributes.seats": "5"}).status_code == 302
    ann.refresh_from_db()
    assert ann.attributes == {
        "shift": "day", "employee_number": "123456", "seats": 5, "rating": 4.5, "legacy_id": "secret-7",
    }  # fmt: skip


def test_those_who_may_only_look_see_attributes_in_the_admin(client, ann, make_user, allow):
    looker = make_user("looker@example.com", is_staff=True)
    allow(looker, "users:read")
    client.post("/login/", {"email": looker.email, "password": PASSWORD})
    text = client.get(f"/admin/accounts/user/{ann.pk}/change/").content.decode()
    assert "123456" in text
    assert "secret-7" not in text
    assert 'name="attributes.seats"' not in text
