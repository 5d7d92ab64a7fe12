"""The hasher of new passwords, and the time that a comparison takes."""

import pytest

from accounts.services.passwords import passwords
from accounts.services.passwords.hashers import bcrypt_sha256
from accounts.tests.passwords.hashers.test_imported import with_hash
from conftest import PASSWORD

pytestmark = pytest.mark.django_db


def test_a_bcrypt_sha256_hash_of_django_with_other_rounds_is_replaced(user, sign_in, settings):
    settings.BCRYPT_ROUNDS = 5
    encoded = passwords.hash_password(PASSWORD)
    settings.BCRYPT_ROUNDS = 4
    with_hash(user, encoded)
    sign_in()
    user.refresh_from_db()
    assert user.password.startswith("bcrypt_sha256$$2b$04$")


@pytest.mark.once
@pytest.mark.parametrize("spent_share", [0, 0.3, 0.9])
def test_the_rest_of_a_hash_takes_what_the_cheaper_hash_did_not(settings, monkeypatch, spent_share):
    settings.BCRYPT_ROUNDS = 12
    whole = bcrypt_sha256._seconds(12)
    rounds = []
    monkeypatch.setattr(bcrypt_sha256.bcrypt, "hashpw", lambda password, salt: rounds.append(int(salt.split(b"$")[2])))
    bcrypt_sha256.equalize_time(spent_share * whole)
    hashed = sum(bcrypt_sha256._seconds(number) for number in rounds)
    assert 0.99 * whole < spent_share * whole + hashed <= whole
