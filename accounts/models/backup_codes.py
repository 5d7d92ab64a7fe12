"""Backup codes: generation, hashing and use.

A code has 74 bits of entropy, below the 112 from which ASVS 5.0 6.5.2 accepts a plain hash, so each is stored as a
salted bcrypt hash. All codes of a user share one random salt of 128 bits: checking a code takes one slow hash, which is
then looked up, instead of ten.
"""

import secrets
from datetime import datetime

import bcrypt
from django.conf import settings
from django.db import models
from django.utils import timezone
from django_otp.models import Device

from accounts.models.mfa import CodeDevice
from accounts.models.users import User
from accounts.states import Method
from foodfleet.core.typed_text import normalize_code

COUNT = 10
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no 0 and o, no 1, i and l
GROUPS = 3
GROUP_LENGTH = 5
MAX_ROUNDS = 10  # the minimum that ASVS 5.0 asks of bcrypt: ten codes take about as long as three passwords
SALT_LENGTH = 29  # of bcrypt's text form: version, rounds and salt


def new_codes() -> list[str]:
    """Return ten codes such as `k7m2x-9xqpr-4fghn`."""
    return ["-".join(_group() for _ in range(GROUPS)) for _ in range(COUNT)]


def _group() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH))


def hashes(codes: list[str]) -> list[str]:
    """Hash codes that were generated together. Takes half a second: never call it inside a transaction."""
    salt = bcrypt.gensalt(min(settings.BCRYPT_ROUNDS, MAX_ROUNDS))
    return [_hash(code, salt) for code in codes]


def hash_like(known: str, code: str) -> str | None:
    """Hash `code` with the salt of the hash `known`; None where it cannot be a code. As slow as one of `hashes`."""
    normal = normalize_code(code)
    if len(normal) != GROUPS * GROUP_LENGTH or not set(normal) <= set(ALPHABET):
        return None
    return _hash(normal, known[:SALT_LENGTH].encode())


def _hash(code: str, salt: bytes) -> str:
    return bcrypt.hashpw(normalize_code(code).encode(), salt).decode()


class BackupCodeQuerySet(models.QuerySet["BackupCode"]):
    """Backup codes."""

    def of(self, user: User) -> "BackupCodeQuerySet":
        """Filter the codes of one user."""
        return self.filter(user=user)

    def unused(self) -> "BackupCodeQuerySet":
        """Filter codes that have not been consumed."""
        return self.filter(consumed_at__isnull=True)

    def devices_for_user(self, user: User, confirmed: bool | None = None) -> "BackupCodeQuerySet":
        """As django-otp's DeviceManager; one row for all codes, because one hash is compared with all."""
        first = self.of(user).unused().order_by("pk").values("pk")[:1]
        return self.none() if confirmed is False else self.filter(pk__in=first)

    def consume(self, user: User, hashed: str, now: datetime) -> bool:
        """Consume the user's code with this hash; False where there is none left, under any concurrency."""
        return self.of(user).unused().filter(hash=hashed).update(consumed_at=now) == 1


class BackupCode(CodeDevice, Device, models.Model):
    """A single-use code for a user who lost their phone. Only its slow, salted hash is stored.

    For django-otp, the unused codes of a user are one device.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="backup_codes")
    hash = models.CharField(max_length=60)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    consumed_at = models.DateTimeField(null=True, blank=True)

    objects = BackupCodeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "hash"], name="accounts_backup_code_once")]

    def __str__(self) -> str:
        return f"{self.user_id}"

    @property
    def name(self) -> str:
        """In django-otp's terms: how the user knows the device."""
        return str(Method.BACKUP_CODE.label)

    @property
    def confirmed(self) -> bool:
        """In django-otp's terms: in use from the start."""
        return True

    def consume(self, code: str) -> bool:
        """Verify and consume a code of the same user, whichever row it is in."""
        hashed = hash_like(self.hash, code)
        return hashed is not None and BackupCode.objects.consume(self.user, hashed, timezone.now())
