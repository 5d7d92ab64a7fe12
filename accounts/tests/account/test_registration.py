"""Becoming a user when the address is known already."""

import pytest
from django.core import mail

from accounts.models import User
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

REGISTER = "/api/v1/auth/register/"
LOGIN = "/api/v1/auth/login/"
OWNERS = "Owner-Kitchen-42!"


def register(api, password=PASSWORD, **fields):
    return api.post(REGISTER, {"email": "ann@example.com", "password": password, **fields})


def test_registering_a_taken_address_notifies_its_owner(api, user):
    fresh, taken = api.post(REGISTER, {"email": "new@example.com", "password": PASSWORD}), register(api)
    assert (taken.status_code, taken.json()) == (fresh.status_code, fresh.json()) == (202, fresh.json())
    assert "/password/forgot/" in next(m for m in mail.outbox if m.to == ["ann@example.com"]).body


def test_a_weak_password_is_refused_equally_for_free_and_taken_addresses(api, user):
    answers = [register(api, "weak"), api.post(REGISTER, {"email": "new@example.com", "password": "weak"})]
    assert {a.json()["code"] for a in answers} == {"weak_password"}


def test_without_enumeration_protection_a_taken_address_is_reported(api, settings):
    settings.ACCOUNTS_PREVENT_ENUMERATION = False
    made, again = register(api), register(api)
    assert (made.status_code, made.json()["email"]) == (201, "ann@example.com")
    assert (again.status_code, again.json()["code"]) == (422, "user_already_exists")


def test_registering_again_with_the_same_password_resends_the_verification(api, link_token, sign_in):
    register(api)
    first = link_token("/email/verify/")
    mail.outbox.clear()
    assert register(api).status_code == 202
    second = link_token("/email/verify/", to="ann@example.com")
    assert api.post("/api/v1/auth/email/verify/", {"token": first}).status_code == 401
    assert api.post("/api/v1/auth/email/verify/", {"token": second}).status_code == 204
    assert sign_in()["access"]


@pytest.mark.parametrize("resend", [False, True])
def test_verifying_a_contested_address_disables_the_first_password(api, link_token, sign_in, resend):
    register(api, first_name="Thief")
    register(api, OWNERS)
    register(api)  # again, by the attacker
    if resend:
        api.post("/api/v1/auth/email/resend/", {"email": "ann@example.com"})
    token = link_token("/email/verify/", to="ann@example.com")
    assert api.post("/api/v1/auth/email/verify/", {"token": token}).status_code == 204
    for password in (PASSWORD, OWNERS):
        assert api.post(LOGIN, {"email": "ann@example.com", "password": password}).status_code == 401
    chosen = link_token("/password/reset/", to="ann@example.com")
    assert api.post("/api/v1/auth/password/reset/", {"token": chosen, "password": OWNERS}).status_code == 204
    assert sign_in(password=OWNERS)["access"]
    assert User.objects.get().first_name == ""


FAULTS = {"email": "bob@", "password": "password", "first_name": "evil.example"}


def test_the_api_tells_all_faults_in_one_round(api):
    answer = api.post(REGISTER, FAULTS)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_error")
    assert answer.json()["details"].keys() == FAULTS.keys()
    codes = [entry["code"] for entry in answer.json()["details"]["password"]]
    assert {"password_no_upper", "password_no_digit", "password_no_special", "password_too_common"} <= set(codes)


def test_the_page_tells_all_faults_in_one_round(client):
    page = client.post("/register/", FAULTS)
    assert page.status_code == 422
    assert page.context["form"].errors.keys() == FAULTS.keys()
    assert len(page.context["form"].errors["password"]) >= 4


def test_a_good_password_is_not_blamed_for_other_faults(api, client):
    faults = {**FAULTS, "password": PASSWORD}
    assert "password" not in api.post(REGISTER, faults).json()["details"]
    assert "password" not in client.post("/register/", faults).context["form"].errors


def test_a_refused_name_is_not_compared_with_the_password(api):
    """A name of any length is refused quickly: comparing it word by word takes seconds."""
    answer = register(api, first_name="GrillFleet2026 " + "x " * 200)
    assert set(answer.json()["details"]) == {"first_name"}


@pytest.mark.parametrize("body", [{"password": "weak"}, {"email": 1, "password": 2}, {"email": "b@"}, {}, [], "x"])
def test_shapes_that_are_wrong_are_refused_as_ever(api, body):
    assert api.post(REGISTER, body, format="json").status_code in {400, 422}
