"""Digests of one-time secrets, and encryption of secrets that are read again."""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

TOKEN_BYTES = 32  # with 256 bits of entropy a fast digest is enough (ASVS 5.0 6.5.2)


class DecryptionError(Exception):
    """None of ENCRYPTION_KEYS decrypts this."""


def new_token() -> str:
    """Return a random URL-safe token of 43 characters, for a link or a refresh token."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(value: str) -> str:
    """Return the SHA-256 of a long random secret as 64 hexadecimal digits."""
    return hashlib.sha256(value.encode()).hexdigest()


def keyed_digest(value: str, *, purpose: str) -> str:
    """Return an HMAC-SHA-256 under SECRET_KEY, for values that a plain digest would reveal: addresses, short codes."""
    key = hashlib.sha256(f"foodfleet:{purpose}:{settings.SECRET_KEY}".encode()).digest()
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


def encrypt(text: str, *, purpose: str) -> str:
    """Encrypt with the newest of ENCRYPTION_KEYS; only the same purpose decrypts it."""
    return _fernet(purpose, tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(ciphertext: str, *, purpose: str) -> str:
    """Decrypt a result of `encrypt` with any of ENCRYPTION_KEYS. Raises DecryptionError."""
    try:
        return _fernet(purpose, tuple(settings.ENCRYPTION_KEYS)).decrypt(ciphertext.encode()).decode()
    except InvalidToken as error:
        raise DecryptionError(purpose) from error


def rotate(ciphertext: str, *, purpose: str) -> str:
    """Re-encrypt with the newest of ENCRYPTION_KEYS. Raises DecryptionError."""
    try:
        return _fernet(purpose, tuple(settings.ENCRYPTION_KEYS)).rotate(ciphertext.encode()).decode()
    except InvalidToken as error:
        raise DecryptionError(purpose) from error


def key_of(ciphertext: str, *, purpose: str) -> int | None:
    """Return the index of the key in ENCRYPTION_KEYS that decrypts this, 0 for the newest; None if none does."""
    for index, key in enumerate(settings.ENCRYPTION_KEYS):
        try:
            _fernet(purpose, (key,)).decrypt(ciphertext.encode())
        except InvalidToken:
            continue
        return index
    return None


def encrypt_json(value: Any, *, purpose: str) -> str:
    """Encrypt a JSON value."""
    return encrypt(json.dumps(value, separators=(",", ":")), purpose=purpose)


def decrypt_json(ciphertext: str, *, purpose: str) -> Any:
    """Decrypt a JSON value."""
    return json.loads(decrypt(ciphertext, purpose=purpose))


def encrypt_with_secret(value: Any, *, secret: str) -> str:
    """Encrypt a JSON value with `secret`, which is long, random and not stored."""
    return _fernet_of(secret).encrypt(json.dumps(value, separators=(",", ":")).encode()).decode()


def decrypt_with_secret(ciphertext: str, *, secret: str) -> Any:
    """Decrypt a result of `encrypt_with_secret`. Raises DecryptionError."""
    try:
        return json.loads(_fernet_of(secret).decrypt(ciphertext.encode()))
    except InvalidToken as error:
        raise DecryptionError("sealed") from error


def _fernet_of(secret: str) -> Fernet:
    return Fernet(_derived(secret, "sealed"))


@lru_cache(maxsize=32)
def _fernet(purpose: str, keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key, purpose)) for key in keys])


def _derived(key: str, purpose: str) -> bytes:
    """Derive a key for one purpose (RFC 5869)."""
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"foodfleet:{purpose}".encode())
    return urlsafe_b64encode(kdf.derive(key.encode()))
