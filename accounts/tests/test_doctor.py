"""What the doctor finds of accounts."""

import pytest

from accounts.models import SigningKey
from accounts.services import doctor
from accounts.services.jwt import keyring, keys

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_an_administrator_is_missed_until_there_is_one(make_user):
    (problem,) = doctor.administrators()
    assert "manage.py administrator" in problem.advice
    make_user("boss@example.com", is_superuser=True)
    assert not list(doctor.administrators())


def test_an_inactive_administrator_is_none(make_user):
    make_user("boss@example.com", is_superuser=True, is_active=False)
    assert list(doctor.administrators())


def test_a_signing_key_of_another_installation_is_named(settings):
    keyring.rotate()
    assert not list(doctor.signing_keys())
    settings.ENCRYPTION_KEYS = ["another-key-0123456789-0123456789"]
    (problem,) = doctor.signing_keys()
    assert str(SigningKey.objects.get()) in problem.text
    assert "ENCRYPTION_KEYS" in problem.advice


@pytest.mark.parametrize(("mode", "is_found"), [(0o640, False), (0o644, True), (0o602, True)])
def test_a_key_file_is_for_its_owner_and_group_alone(settings, tmp_path, mode, is_found):
    path = tmp_path / "key.pem"
    path.write_text(keys.new_secret("EdDSA"))
    path.chmod(mode)
    settings.JWT_PRIVATE_KEY_FILES = [path]
    problems = list(doctor.signing_keys())
    assert bool(problems) is is_found
    assert all(str(path) in problem.text for problem in problems)
