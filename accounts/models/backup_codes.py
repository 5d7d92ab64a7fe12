"""Backup codes: generation, hashing and use.

A code has 74 bits of entropy. ASVS 5.0 6.5.2 accepts a plain hash only from 112 bits, so a salted bcrypt hash is
stored. All codes of a user share one random salt of 128 bits: checking a code takes one slow hash and a lookup instead
of ten slow hashes.
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

COUNT = 10  # codes of a user
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no 0 and o, no 1, i and l
GROUPS = 3
GROUP_LENGTH = 5
MAX_ROUNDS = 10  # the minimum for bcrypt in ASVS 5.0: hashing ten codes takes about as long as three passwords
SALT_LENGTH = 29  # of bcrypt's text form: version, rounds and salt


def generate_codes() -> list[str]:
    """Return ten random codes such as `k7m2x-9xqpr-4fghn`."""
    return ["-".join(_group() for _ in range(GROUPS)) for _ in range(COUNT)]


def _group() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH))


def hash_codes(codes: list[str]) -> list[str]:
    """Hash codes that were generated together. Takes half a second: never call it inside a transaction."""
    salt = bcrypt.gensalt(min(settings.BCRYPT_ROUNDS, MAX_ROUNDS))
    return [_hash(code, salt) for code in codes]


def hash_with_salt_of(known: str, code: str) -> str | None:
    """Hash `code` with the salt of the hash `known`; return None if it cannot be a backup code. Takes 50 ms."""
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
        """Filter the user's devices, as django-otp's DeviceManager. One row stands for all codes of the user."""
        first = self.of(user).unused().order_by("pk").values("pk")[:1]
        return self.none() if confirmed is False else self.filter(pk__in=first)

    def consume(self, user: User, hashed: str, now: datetime) -> bool:
        """Consume the user's code with this hash; return False if there is none left. Safe under concurrency."""
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
        """The name of the device for django-otp."""
        return str(Method.BACKUP_CODE.label)

    @property
    def confirmed(self) -> bool:
        """Whether django-otp may use the device: always, because backup codes need no confirmation."""
        return True

    def consume(self, code: str) -> bool:
        """Verify and consume a code of the same user, even if it is another row than this one."""
        hashed = hash_with_salt_of(self.hash, code)
        return hashed is not None and BackupCode.objects.consume(self.user, hashed, timezone.now())
