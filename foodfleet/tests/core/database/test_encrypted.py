"""The encryption key can be changed, and the command reports what still needs an old key."""

from datetime import timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models
from django.utils import timezone

from accounts.models import SigningKey, TOTPDevice
from foodfleet.core.crypto import DecryptionError
from foodfleet.core.database import encrypted
from notifications.models import Message
from notifications.services.compose.email import send_email
from notifications.services.compose.writing import MessageDraft

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = "an-old-key-of-thirty-two-characters-1", "a-new-key-of-thirty-two-characters-2"


def output_of(*arguments):
    out = StringIO()
    call_command("reencrypt_secrets", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def under_old(user, settings):
    """One row of each kind under the old key; the new one has just been put first."""
    settings.ENCRYPTION_KEYS, settings.JWT_SIGNING_ALGORITHM = [OLD], "EdDSA"
    TOTPDevice.objects.create(user=user, secret=TOTPDevice.encrypt_secret("SECRET"), confirmed_at=timezone.now())
    call_command("rotate_jwt_keys")
    later = MessageDraft(send_at=timezone.now() + timedelta(hours=1))
    send_email(to=["ann@example.com"], subject="x", text="Hello", draft=later)
    settings.ENCRYPTION_KEYS = [NEW, OLD]


def test_totp_secrets_survive_a_change_of_the_encryption_key(under_old, settings):
    call_command("reencrypt_secrets", verbosity=0)
    settings.ENCRYPTION_KEYS = [NEW]
    device = TOTPDevice.objects.get()
    assert TOTPDevice.decrypt_secret(device.secret) == "SECRET"
    settings.ENCRYPTION_KEYS = [OLD]
    with pytest.raises(DecryptionError):
        TOTPDevice.decrypt_secret(device.secret)


def test_a_queued_message_is_sent_after_its_key_is_removed(under_old, settings, mailoutbox):
    call_command("reencrypt_secrets", verbosity=0)
    settings.ENCRYPTION_KEYS = [NEW]
    Message.objects.update(due_at=timezone.now())
    call_command("deliver_due")
    assert [mail.body.strip() for mail in mailoutbox] == ["Hello"]


def test_reencryption_reports_each_column_and_its_keys(under_old, settings, monkeypatch):
    monkeypatch.setattr(encrypted, "BATCH", 1)
    with pytest.raises(CommandError, match="still needed"):
        output_of("--check")
    moved = output_of()
    for title in ("Secrets of authenticator apps", "Queued messages"):
        assert f"{title}: 1 under key 1 (1 re-encrypted)" in moved
    assert f"Keys that sign tokens: {SigningKey.objects.count()} under key 1" in moved
    assert "(0 re-encrypted)" in output_of()
    assert "under key 2" not in output_of("--check")


def warned():
    """Each warning of the system check, and its hint."""
    return {str(message.msg): str(message.hint) for message in encrypted.check_keys(databases=["default"])}


def test_the_system_check_lists_keys_that_are_still_needed(under_old, settings):
    assert "Run manage.py reencrypt_secrets" in warned()["Queued messages: 1 under key 2"]
    settings.ENCRYPTION_KEYS = [NEW]
    assert "Add the key" in warned()["Queued messages: 1 that no key of ENCRYPTION_KEYS decrypts"]
    with pytest.raises(CommandError, match="Add the missing key again"):
        output_of()
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    output_of()
    settings.ENCRYPTION_KEYS = [NEW]
    assert encrypted.check_keys(databases=["default"]) == []


def test_each_encrypted_column_is_registered_under_its_own_title():
    """Found by help text; `successor_ciphertext` is encrypted with the refresh token itself."""
    columns = {(column.model, column.name) for column in encrypted.COLUMNS}
    assert len({column.title for column in encrypted.COLUMNS}) == len(columns)
    texts = [
        field for model in apps.get_models() for field in model._meta.fields if isinstance(field, models.TextField)
    ]
    assert columns == {
        (field.model, field.name)
        for field in texts
        if "ncrypted" in str(field.help_text) and field.name != "successor_ciphertext"
    }
