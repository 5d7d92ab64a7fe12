"""Checks of `manage.py doctor` for accounts."""

import stat
from collections.abc import Iterator

from django.conf import settings
from django.utils import timezone

from accounts.models import SecurityEvent, SigningKey, User
from accounts.services.jwt import keyring
from foodfleet.core.crypto import DecryptionError, decrypt
from foodfleet.core.database import encrypted
from foodfleet.core.doctor.checks import missing_partitions
from foodfleet.core.doctor.registry import Problem, register


@register(needs_database=True)
def signing_keys() -> Iterator[Problem]:
    """Check that signing keys can be decrypted and that other users of the machine cannot read their files."""
    for key in SigningKey.objects.usable(timezone.now()):
        try:
            decrypt(key.secret_ciphertext, purpose=keyring.PURPOSE)
        except DecryptionError:
            yield Problem(
                f"The signing key {key} cannot be decrypted: tokens can be neither issued nor verified.",
                "Add the key it was encrypted with to ENCRYPTION_KEYS (or the old SECRET_KEY to SECRET_KEY_FALLBACKS).",
            )
    for path in settings.JWT_PRIVATE_KEY_FILES:
        if path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            yield Problem(f"Every user of this machine can read {path}.", f"Run chmod 640 {path}.")


@register(needs_database=True)
def encryption() -> Iterator[Problem]:
    """Check that every ciphertext uses the newest key."""
    for message in encrypted.check_keys(["default"]):
        yield Problem(str(message.msg), str(message.hint))


@register(needs_database=True)
def event_partitions() -> Iterator[Problem]:
    """Check that PostgreSQL has partitions for the security events of this month and the next."""
    yield from missing_partitions(SecurityEvent, command="purge_expired")


@register(needs_database=True)
def administrators() -> Iterator[Problem]:
    """Check that an active superuser exists."""
    if not User.objects.superusers().exists():
        yield Problem("There is no administrator.", "Run manage.py administrator.")
