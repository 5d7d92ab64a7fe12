"""Names of users: they appear in emails, so they must not carry a message."""

import io

import pytest
from django.core import mail
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.services.staff import imports
from accounts.services.staff.imports import Mode
from conftest import PASSWORD
from foodfleet.core.http.clients import Client

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

REGISTER = "/api/v1/auth/register/"
MESSAGE = "Your account is closed.\n\nhttp://evil.example/"
REFUSED = [
    MESSAGE,
    "Ann\u2028Miller",
    "Ann\x07",
    "Ann\u202eMiller",
    "Ann\u2066Miller",
    "see evil.example",
    "www.evil",
    "t.co/x",
    "mail ann@evil",
    "ｅｖｉｌ．ｃｏｍ",
    "evil。com",
]
ALLOWED = ["J.R.R. Tolkien", "J.Smith", "O'Brien-Müller", "می\u200cرود", "Иванов", "Ravi a/l Muthu", "St. John"]


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("field", ["first_name", "last_name"])
def test_registration_refuses_a_name_that_is_a_message(api, name, field):
    answer = api.post(REGISTER, {"email": "new@example.com", "password": PASSWORD, field: name})
    assert answer.status_code == 422
    assert list(answer.json()["details"]) == [field]
    assert mail.outbox == []


@pytest.mark.parametrize("name", ALLOWED)
def test_registration_takes_names_of_people(api, name):
    answer = api.post(REGISTER, {"email": "new@example.com", "password": PASSWORD, "first_name": name})
    assert answer.status_code == 202, answer.json()
    assert User.objects.get().first_name == name


def test_own_names_are_validated(api, user, sign_in):
    headers = {"Authorization": f"Bearer {sign_in()['access']}"}
    answer = api.patch("/api/v1/users/me/", {"first_name": MESSAGE}, headers=headers)
    assert (answer.status_code, list(answer.json()["details"])) == (422, ["first_name"])


def test_names_written_by_staff_are_validated(api, user, make_user, allow, sign_in):
    allow(make_user("boss@example.com"), "users:read", "users:create", "users:update")
    headers = {"Authorization": f"Bearer {sign_in('boss@example.com')['access']}"}
    made = api.post("/api/v1/users/", {"email": "new@example.com", "last_name": MESSAGE}, headers=headers)
    changed = api.patch(f"/api/v1/users/{user.pk}/", {"last_name": MESSAGE}, headers=headers)
    for answer in (made, changed):
        assert (answer.status_code, list(answer.json()["details"])) == (422, ["last_name"])


def test_the_admin_validates_names(client, user, make_user):
    client.force_login(make_user("boss@example.com", is_staff=True, is_superuser=True))
    answer = client.post(f"/admin/accounts/user/{user.pk}/change/", {"email": user.email, "first_name": "evil.example"})
    assert "web or e-mail address" in answer.content.decode()


def test_pages_validate_names(client):
    body = {"email": "new@example.com", "password": PASSWORD, "first_name": MESSAGE}
    answer = client.post("/register/", body)
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {"first_name"}


def test_the_import_validates_names():
    lines = io.BytesIO(b"email,first_name\nann@example.com,evil.example\n")
    progress = list(imports.import_users(lines, mode=Mode.CREATE, client=Client()))[-1]
    assert [problem.field for problem in progress.problems] == ["first_name"]


def test_create_superuser_validates_names():
    with pytest.raises(ValidationError) as refused:
        User.objects.create_superuser("boss@example.com", PASSWORD, first_name=MESSAGE)
    assert list(refused.value.message_dict) == ["first_name"]


def test_no_name_stands_in_mail_to_an_address_that_nobody_confirmed(api, link_token):
    api.post(REGISTER, {"email": "new@example.com", "password": PASSWORD, "first_name": "Thief"})
    assert "Thief" not in mail.outbox[-1].body
    token = link_token("/email/verify/")
    api.post("/api/v1/auth/email/verify/", {"token": token})
    assert "Thief" in mail.outbox[-1].body


def test_no_name_stands_in_the_mail_to_a_new_address(actions):
    User.objects.filter(pk=actions.user.pk).update(first_name="Thief")
    actions.sign_in()
    actions.ask("/auth/email/change/", {"email": "other@example.com", "password": PASSWORD})
    [to_new] = [message for message in mail.outbox if message.to == ["other@example.com"]]
    assert "Thief" not in to_new.body


def test_a_user_agent_writes_no_link_into_the_mail_about_a_lock(api, user):
    for _ in range(5):
        body = {"email": user.email, "password": "Wrong-Guess-1!"}
        api.post("/api/v1/auth/login/", body, headers={"User-Agent": "evil.example/1.0"})
    assert "evil.example" not in mail.outbox[-1].body
