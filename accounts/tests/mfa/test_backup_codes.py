"""Backup codes: their form, their use, new ones."""

import re

import pytest
from django.core import mail

from accounts.models import BackupCode, SecurityEvent
from accounts.tests.authenticator_app import app_code
from conftest import bearer

pytestmark = pytest.mark.django_db(transaction=True)


def test_backup_codes_are_readable_strong_and_stored_as_slow_hashes(enable):
    _, codes, _ = enable()
    for code in codes:
        assert re.fullmatch(r"[2-9a-hjkmnp-z]{5}(-[2-9a-hjkmnp-z]{5}){2}", code)
    stored = list(BackupCode.objects.values_list("hash", flat=True))
    assert len(stored) == 10
    assert all(hashed.startswith("$2b$") for hashed in stored)
    assert len({hashed[:29] for hashed in stored}) == 1  # one salt, so one slow hash checks them all


def test_a_backup_code_works_once_and_the_owner_is_notified(enable, challenge, verify):
    _, codes, _ = enable()
    mail.outbox.clear()
    assert verify(challenge(), codes[0], "backup_code").status_code == 200
    notice = next(message for message in mail.outbox if "backup code" in str(message.body))
    assert "9 backup codes left" in str(notice.body)
    assert verify(challenge(), codes[0], "backup_code").status_code == 401
    event = SecurityEvent.objects.get(kind="backup_code_used")
    assert event.details == {"remaining": 9}


def test_new_backup_codes_void_the_old_ones(api, enable, challenge, verify):
    secret, old, tokens = enable()
    renewed = api.post("/api/v1/auth/2fa/backup-codes/", {"code": app_code(secret)}, headers=bearer(tokens))
    assert renewed.status_code == 200
    new = renewed.json()["backup_codes"]
    assert len(new) == 10
    assert not set(new) & set(old)
    assert verify(challenge(), old[0], "backup_code").status_code == 401
    assert verify(challenge(), new[0], "backup_code").status_code == 200
    wrong = api.post("/api/v1/auth/2fa/backup-codes/", {"code": old[1]}, headers=bearer(tokens))
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_2fa_code")
