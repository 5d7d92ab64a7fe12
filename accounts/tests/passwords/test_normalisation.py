"""A password is the same however the keyboard composes its letters (NIST SP 800-63B-4, 3.1.1.2)."""

import unicodedata

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.core.management import call_command

from accounts.models import PasswordHistory, User
from accounts.tests.hashers import CountingHasher
from accounts.tests.wsgi import Answer

pytestmark = pytest.mark.django_db(transaction=True)

LOGIN, CHANGE = "/api/v1/auth/login/", "/api/v1/auth/password/change/"
COMPOSED = unicodedata.normalize("NFC", "Crème-Brûlée-26!")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
NEW = "Other-Kitchen-77?"


def is_in(api, password):
    return api.post(LOGIN, {"email": "ann@example.com", "password": password}).status_code == 200


@pytest.mark.parametrize(
    ("chosen", "typed"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED), ("Ｇrill-Fleet-2026!", "Grill-Fleet-2026!")]
)
def test_a_password_is_known_in_either_composition(api, make_user, chosen, typed):
    make_user(password=chosen)
    assert is_in(api, typed)
    assert is_in(api, chosen)


def test_the_rule_about_the_last_five_knows_either_composition(api, make_user, sign_in):
    make_user(password=COMPOSED)
    headers = {"Authorization": f"Bearer {sign_in(password=COMPOSED)['access']}"}
    answer = api.post(CHANGE, {"current_password": DECOMPOSED, "new_password": DECOMPOSED}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "password_reused")


@pytest.mark.parametrize("old", [True, False])
def test_history_knows_hashes_of_both_kinds(api, make_user, sign_in, old):
    user = make_user(password=NEW)
    PasswordHistory.objects.create(user=user, password=make_password(DECOMPOSED if old else COMPOSED))
    headers = {"Authorization": f"Bearer {sign_in(password=NEW)['access']}"}
    answer = api.post(CHANGE, {"current_password": NEW, "new_password": DECOMPOSED}, headers=headers)
    assert answer.json()["code"] == "password_reused"


def test_an_old_hash_is_known_as_it_was_typed_and_hashed_anew(api, make_user):
    user = make_user()
    User.objects.filter(pk=user.pk).update(password=make_password(DECOMPOSED))
    assert not is_in(api, COMPOSED)
    assert is_in(api, DECOMPOSED)
    assert check_password(COMPOSED, User.objects.get().password)
    assert is_in(api, COMPOSED)


def test_a_new_password_is_compared_in_one_form_after_a_reset(api, user, link_token):
    api.post("/api/v1/auth/password/forgot/", {"email": user.email})
    api.post("/api/v1/auth/password/reset/", {"token": link_token("/password/reset/"), "password": DECOMPOSED})
    assert is_in(api, COMPOSED)


def test_a_superuser_of_the_command_is_known_in_either_composition(api, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", DECOMPOSED)
    call_command("createsuperuser", interactive=False, email="ann@example.com", verbosity=0)
    assert is_in(api, COMPOSED)


def test_a_second_comparison_costs_the_same_without_an_account(make_user, settings):
    settings.PASSWORD_HASHERS = ["accounts.tests.hashers.CountingHasher"]
    make_user()
    costs = []
    for email in ("ann@example.com", "nobody@example.com"):
        before = CountingHasher.calls
        Answer(LOGIN, {"email": email, "password": DECOMPOSED}).close()
        costs.append(CountingHasher.calls - before)
    assert costs == [2, 2]


def test_registration_compares_once_whatever_the_composition(make_user, settings):
    settings.PASSWORD_HASHERS = ["accounts.tests.hashers.CountingHasher"]
    make_user()
    make_user("waiting@example.com", email_verified_at=None)
    costs = []
    for email in ("new@example.com", "ann@example.com", "waiting@example.com"):
        before = CountingHasher.calls
        Answer("/api/v1/auth/register/", {"email": email, "password": DECOMPOSED}).close()
        costs.append(CountingHasher.calls - before)
    assert costs == [1, 1, 1]
