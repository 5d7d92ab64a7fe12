"""The key under which secrets are kept can be changed."""

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import TOTPDevice
from accounts.second_factor import totp
from foodfleet.core.crypto import DecryptionError

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = "an-old-key-of-thirty-two-characters-1", "a-new-key-of-thirty-two-characters-2"


def test_a_key_is_changed_without_anybody_setting_up_their_app_again(user, settings):
    settings.ENCRYPTION_KEYS = [OLD]
    device = TOTPDevice.objects.create(user=user, secret=totp.sealed("SECRET"), confirmed_at=timezone.now())
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    call_command("reencrypt_secrets", verbosity=0)
    settings.ENCRYPTION_KEYS = [NEW]
    device.refresh_from_db()
    assert totp.opened(device.secret) == "SECRET"
    settings.ENCRYPTION_KEYS = [OLD]
    with pytest.raises(DecryptionError):
        totp.opened(device.secret)
