"""The key that signs tokens and the keys that verify them.

Before the first rotation the keys come from the environment: the first of JWT_PRIVATE_KEY_FILES signs, or for HS256 the
key derived from SECRET_KEY. For an asymmetric algorithm without a file, the first key is created in the database when
it is needed. `rotate` stores each new key there, encrypted. A process that meets an unknown `kid` looks it up, so a new
key works immediately in every process. The newest key of the database signs. Older keys verify until their last token
has expired, so rotation signs nobody out.
"""

import re
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL
from django.utils import timezone

from accounts.models import SigningKey
from accounts.services import audit
from accounts.services.jwt import keys as jwt_keys
from accounts.services.jwt.keys import Key
from accounts.states import EventKind
from foodfleet.core import crypto
from foodfleet.core.http.clients import Client

PURPOSE = "jwt-key"
KID = re.compile("[0-9a-f]{16}")
RELOAD_SECONDS = 30.0  # how often a process looks for a newer signing key
MARGIN = timedelta(minutes=5)  # for processes that sign with the old key for RELOAD_SECONDS more, and for clock skew


@dataclass(frozen=True)
class KeyRing:
    """The key that signs, and all keys that verify by their `kid`."""

    signing: Key
    verifying: dict[str, Key]


@dataclass(frozen=True)
class _Loaded:
    ring: KeyRing
    configuration: tuple[Any, ...]
    at: float


_loaded: _Loaded | None = None


def ensure_files_valid() -> None:
    """Exit with a one-line error if a file of JWT_PRIVATE_KEY_FILES has no key for JWT_SIGNING_ALGORITHM."""
    try:
        _of_environment(*_configuration())
    except ImproperlyConfigured as error:
        sys.exit(f"FoodFleet cannot start. {error}")


def signing_key() -> Key:
    """Return the key to sign with."""
    return _ring(max_age=RELOAD_SECONDS).signing


def verifying_key(kid: str) -> Key | None:
    """Return the key with this `kid` if it may verify tokens; None otherwise.

    A key that another process has just created is found too: an unknown `kid` costs one index lookup.
    """
    known = _ring(max_age=RELOAD_SECONDS).verifying.get(kid)
    if known is not None or not KID.fullmatch(kid):
        return known
    if not SigningKey.objects.usable(timezone.now()).filter(kid=kid).exists():
        return None
    return _ring(max_age=0).verifying.get(kid)


def still_verifies(kid: str) -> bool:
    """Return whether the key is in the ring that this process has loaded; makes no query."""
    return _loaded is not None and _loaded.configuration == _configuration() and kid in _loaded.ring.verifying


def is_revoked(kid: str) -> RawSQL:
    """Return an SQL condition that is true if the key with this `kid` is revoked. It costs one index lookup.

    Raw SQL, because every request without a cached session makes this query, and the ORM takes longer to build this
    condition than the rest of it.
    """
    table = connection.ops.quote_name(SigningKey._meta.db_table)
    sql = f"EXISTS(SELECT 1 FROM {table} WHERE revoked_at IS NOT NULL AND kid = %s)"  # noqa: S608  no text of a user
    return RawSQL(sql, [kid], output_field=BooleanField())  # noqa: S611


def reload_if_revoked() -> None:
    """Reload the keys if the signing key of this process was revoked.

    Each sign-in calls it: otherwise a process would sign with a revoked key for up to RELOAD_SECONDS, and other
    processes would reject its tokens. `sessions.refresh` checks that in its own query.
    """
    if SigningKey.objects.revoked().filter(kid=signing_key().kid).exists():
        forget()


def public_keys() -> list[dict[str, Any]]:
    """Return the JWK of each asymmetric key that verifies, newest first.

    Queries the database each time, because a key that another process has just created may already sign.
    """
    return [key.jwk for key in _ring(max_age=0).verifying.values() if key.jwk]


def verifying_kids() -> list[str]:
    """Return the `kid` of each key that verifies according to the database, the signing key first."""
    ring = _ring(max_age=0)
    return list(dict.fromkeys([ring.signing.kid, *ring.verifying]))


def rotate() -> Key:
    """Create a new signing key. The old ones verify until their last token has expired; then they are erased."""
    now = timezone.now()
    with transaction.atomic():
        SigningKey.objects.current().update(verifies_until=now + longest_life())
        purge_expired(now)
        key = _make(settings.JWT_SIGNING_ALGORITHM, now)
    forget()
    return key


def mark_revoked(kid: str) -> None:
    """Erase the key's secret and mark it as revoked.

    A key of the environment gets a row too, so that it is rejected even if a process still has its file or secret.
    """
    now = timezone.now()
    revoked = {"secret_ciphertext": "", "verifies_until": now, "revoked_at": now}
    SigningKey.objects.update_or_create(
        kid=kid,
        defaults=revoked,
        create_defaults={**revoked, "algorithm": settings.JWT_SIGNING_ALGORITHM, "created_at": now},
    )
    forget()


def _make(algorithm: str, now: datetime) -> Key:
    secret = jwt_keys.new_secret(algorithm)
    key = jwt_keys.from_text(secret, algorithm)
    with transaction.atomic():
        SigningKey.objects.create(
            kid=key.kid, algorithm=algorithm, secret_ciphertext=crypto.encrypt(secret, purpose=PURPOSE), created_at=now
        )
        details = {"kid": key.kid, "algorithm": algorithm}
        audit.record(kind=EventKind.KEY_ROTATED, user=None, client=Client(), details=details)
    return key


def purge_expired(now: datetime) -> int:
    """Erase the secrets of keys that no longer verify; return how many."""
    return SigningKey.objects.replaced_before(now).exclude(secret_ciphertext="").update(secret_ciphertext="")


def forget() -> None:
    """Reload the keys from the database at the next use."""
    global _loaded
    _loaded = None


def longest_life() -> timedelta:
    """Return how long a key must verify after its last signature."""
    lifetime: timedelta = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]
    return lifetime + MARGIN


def _ring(*, max_age: float) -> KeyRing:
    global _loaded
    known, configuration = _loaded, _configuration()
    if known is not None and known.configuration == configuration and monotonic() - known.at < max_age:
        return known.ring
    at = monotonic()
    ring = _read_ring(*configuration)
    if ring is None:
        # Two processes may create one at the same time: the newer one signs, both verify.
        key = _make(configuration[0], timezone.now())
        ring = _read_ring(*configuration) or KeyRing(key, {key.kid: key})
        if connection.in_atomic_block:
            return ring  # not cached in the process, because a rollback would delete the key
    _loaded = _Loaded(ring, configuration, at)
    return ring


def _configuration() -> tuple[Any, ...]:
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return settings.JWT_SIGNING_ALGORITHM, tuple(settings.JWT_PRIVATE_KEY_FILES), secrets


def _read_ring(algorithm: str, files: tuple[Any, ...], secrets: tuple[str, ...]) -> KeyRing | None:
    """Read the keys of database and environment; return None if none of them can sign."""
    now = timezone.now()
    keys = [_decrypted(row) for row in SigningKey.objects.usable(now).newest_first()]
    # Files verify as long as they are configured. The key derived from SECRET_KEY verifies until the last token that it
    # signed has expired, because SECRET_KEY stays for other purposes.
    replaced_long_ago = SigningKey.objects.filter(algorithm=algorithm, created_at__lte=now - longest_life())
    if algorithm != jwt_keys.SHARED or not replaced_long_ago.exists():
        revoked = set(SigningKey.objects.revoked().values_list("kid", flat=True))
        keys += [key for key in _of_environment(algorithm, files, secrets) if key.kid not in revoked]
    signing = next((key for key in keys if key.algorithm == algorithm), None)
    if signing is None:
        return None
    return KeyRing(signing=signing, verifying={key.kid: key for key in keys})


def _of_environment(algorithm: str, files: tuple[Any, ...], secrets: tuple[str, ...]) -> list[Key]:
    if algorithm == jwt_keys.SHARED:
        return [jwt_keys.derived(secret) for secret in secrets]
    return [jwt_keys.from_file(path, algorithm) for path in files]


def _decrypted(row: SigningKey) -> Key:
    return _parsed(crypto.decrypt(row.secret_ciphertext, purpose=PURPOSE), row.algorithm)


_parsed = lru_cache(maxsize=16)(jwt_keys.from_text)  # reading an RSA key takes milliseconds
