"""The keys under which secrets of authenticator apps are kept."""

from accounts.models import TOTPDevice
from accounts.second_factor import totp


def reencrypt() -> int:
    """Encrypt every secret anew under the newest of ENCRYPTION_KEYS; returns how many.

    One that is replaced meanwhile is left alone: it is under the newest key already. Raises DecryptionError for one
    that no key opens.
    """
    done = 0
    for device in TOTPDevice.objects.only("pk", "secret").iterator():
        box = totp.sealed(totp.opened(device.secret))
        done += TOTPDevice.objects.filter(pk=device.pk, secret=device.secret).update(secret=box)
    return done
