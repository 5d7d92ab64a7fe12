"""Digests of one-time secrets, and encryption of what must be read again."""

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

TOKEN_BYTES = 32  # 256 bits: cannot be guessed, so a fast digest is enough to keep (ASVS 5.0 6.5.2)
SIGNATURE_BYTES = 32  # of `sign`


class DecryptionError(Exception):
    """None of ENCRYPTION_KEYS opens this."""


def new_token() -> str:
    """A random URL-safe token of 43 characters for a link or a refresh chain."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(value: str) -> str:
    """SHA-256 of a secret that is long and random, as 64 hexadecimal digits."""
    return hashlib.sha256(value.encode()).hexdigest()


def keyed_digest(value: str, *, purpose: str) -> str:
    """HMAC-SHA-256 under SECRET_KEY, for what could be guessed from its digest: an address, a phone, a short code."""
    key = hashlib.sha256(f"foodfleet:{purpose}:{settings.SECRET_KEY}".encode()).digest()
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


def sign(data: bytes, *, purpose: str) -> bytes:
    """An HMAC-SHA-256 of 32 bytes under SECRET_KEY, for what stands where others might write."""
    return hmac.digest(_signing_secret(purpose, settings.SECRET_KEY), data, "sha256")


def is_signed(data: bytes, signature: bytes, *, purpose: str) -> bool:
    """Whether `sign` made this signature of `data` for this purpose."""
    return hmac.compare_digest(sign(data, purpose=purpose), signature)


@lru_cache(maxsize=8)
def _signing_secret(purpose: str, secret_key: str) -> bytes:
    return _derived(secret_key, f"sign:{purpose}")


def encrypt(text: str, *, purpose: str) -> str:
    """Encrypt under the newest of ENCRYPTION_KEYS, for one purpose (a box of one purpose opens for no other)."""
    return _box(purpose, tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(box: str, *, purpose: str) -> str:
    """Open what `encrypt` made under any of ENCRYPTION_KEYS. Raises DecryptionError."""
    try:
        return _box(purpose, tuple(settings.ENCRYPTION_KEYS)).decrypt(box.encode()).decode()
    except InvalidToken as error:
        raise DecryptionError(purpose) from error


def rotate(box: str, *, purpose: str) -> str:
    """The same content under the newest of ENCRYPTION_KEYS. Raises DecryptionError."""
    try:
        return _box(purpose, tuple(settings.ENCRYPTION_KEYS)).rotate(box.encode()).decode()
    except InvalidToken as error:
        raise DecryptionError(purpose) from error


def key_of(box: str, *, purpose: str) -> int | None:
    """The place of the key in ENCRYPTION_KEYS that opens `box`, 0 for the newest; None where none does."""
    for place, key in enumerate(settings.ENCRYPTION_KEYS):
        try:
            _box(purpose, (key,)).decrypt(box.encode())
        except InvalidToken:
            continue
        return place
    return None


def encrypt_json(value: Any, *, purpose: str) -> str:
    """`encrypt` for a value of JSON."""
    return encrypt(json.dumps(value, separators=(",", ":")), purpose=purpose)


def decrypt_json(box: str, *, purpose: str) -> Any:
    """`decrypt` for a value of JSON."""
    return json.loads(decrypt(box, purpose=purpose))


def seal_json(value: Any, *, secret: str) -> str:
    """Encrypt a value of JSON so that `secret`, long and random, opens it, and nothing that we keep does."""
    return _seal(secret).encrypt(json.dumps(value, separators=(",", ":")).encode()).decode()


def unseal_json(box: str, *, secret: str) -> Any:
    """Open what `seal_json` made with the same secret. Raises DecryptionError."""
    try:
        return json.loads(_seal(secret).decrypt(box.encode()))
    except InvalidToken as error:
        raise DecryptionError("sealed") from error


def _seal(secret: str) -> Fernet:
    return Fernet(_derived(secret, "sealed"))


@lru_cache(maxsize=32)
def _box(purpose: str, keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key, purpose)) for key in keys])


def _derived(key: str, purpose: str) -> bytes:
    """RFC 5869: an own key for each purpose."""
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"foodfleet:{purpose}".encode())
    return urlsafe_b64encode(kdf.derive(key.encode()))
