"""Passwords: what is accepted, stored and renewed."""

from itertools import pairwise

import pytest

from accounts.models import PasswordHistory
from conftest import PASSWORD, bearer

pytestmark = pytest.mark.django_db(transaction=True)

CHANGE = "/api/v1/auth/password/change/"
NEW = "Other-Kitchen-77?"


def change(api, tokens, current=PASSWORD, new=NEW):
    return api.post(CHANGE, {"current_password": current, "new_password": new}, headers=bearer(tokens))


@pytest.mark.parametrize(
    "password", ["Sh0rt!", "no-upper-case-1!", "NO-LOWER-CASE-1!", "No-Digit-Here!", "NoSpecial123", "x" * 200]
)
def test_a_weak_password_is_refused_and_named_by_its_field(api, user, sign_in, password):
    answer = change(api, sign_in(), new=password)
    assert (answer.status_code, answer.json()["code"]) == (422, "weak_password")
    assert answer.json()["details"]["new_password"]


def test_none_of_the_last_five_passwords_comes_again(api, user, sign_in):
    tokens = sign_in()
    passwords = [PASSWORD] + [f"Kitchen-Number-{n}!" for n in range(1, 6)]
    for current, new in pairwise(passwords[:5]):
        assert change(api, tokens, current, new).status_code == 204
    for old in passwords[:5]:
        answer = change(api, tokens, passwords[4], old)
        assert (answer.status_code, answer.json()["code"]) == (422, "password_reused")
        assert answer.json()["details"]["new_password"][0]["code"] == "password_reused"
    assert change(api, tokens, passwords[4], passwords[5]).status_code == 204
    assert change(api, tokens, passwords[5], PASSWORD).status_code == 204
    stored = PasswordHistory.objects.filter(user=user)
    assert stored.count() == 4
    assert all(row.password.startswith("bcrypt_sha256$") for row in stored)


def test_a_hash_is_renewed_at_sign_in_when_the_rounds_have_changed(user, sign_in, settings):
    assert "$04$" in user.password
    settings.BCRYPT_ROUNDS = 5
    sign_in()
    user.refresh_from_db()
    assert "$05$" in user.password
    assert sign_in()["access"]
    assert not PasswordHistory.objects.exists()


def test_a_null_character_is_refused(api, user, sign_in):
    assert change(api, sign_in(), new="Kitchen-\x00Number-1!").status_code == 422
