"""The keys that sign tokens, and those that still verify them."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from foodfleet.core import crypto

MINIMUM_RSA_BITS = 2048  # RFC 7518 section 3.3


@dataclass(frozen=True)
class Key:
    """One key: `secret` signs, `public` verifies (the same bytes for HS256), `jwk` is what others may read."""

    kid: str
    algorithm: str
    secret: Any = field(repr=False)
    public: Any = field(repr=False)
    jwk: dict[str, Any] | None = None


@dataclass(frozen=True)
class KeyRing:
    """The key that signs, and all that verify, by `kid`."""

    signing: Key
    verifying: dict[str, Key]


def key_ring() -> KeyRing:
    """The keys of this process, of JWT_PRIVATE_KEY_FILES (the first signs) or, for HS256, derived from SECRET_KEY.

    Raises ImproperlyConfigured for a file that holds no key of JWT_SIGNING_ALGORITHM.
    """
    return _key_ring(
        settings.JWT_SIGNING_ALGORITHM,
        tuple(settings.JWT_PRIVATE_KEY_FILES),
        (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS),
    )


@lru_cache(maxsize=8)
def _key_ring(algorithm: str, files: tuple[Path, ...], secrets: tuple[str, ...]) -> KeyRing:
    if algorithm == "HS256":
        keys = [_shared_key(secret) for secret in secrets]
    else:
        keys = [_key_of_file(path, algorithm) for path in files]
    if not keys:
        raise ImproperlyConfigured(f"JWT_PRIVATE_KEY_FILES is not set: {algorithm} needs at least one PEM file.")
    return KeyRing(signing=keys[0], verifying={key.kid: key for key in keys})


def _shared_key(secret: str) -> Key:
    derived = hashlib.sha256(f"foodfleet:jwt:{secret}".encode()).hexdigest()
    return Key(kid=crypto.digest(derived)[:16], algorithm="HS256", secret=derived, public=derived)


def _key_of_file(path: Path, algorithm: str) -> Key:
    try:
        secret = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm, OSError):
        raise ImproperlyConfigured(f"JWT_PRIVATE_KEY_FILES: {path} holds no private key in PEM form.") from None
    fits = {
        "EdDSA": isinstance(secret, ed25519.Ed25519PrivateKey),
        "ES256": isinstance(secret, ec.EllipticCurvePrivateKey) and secret.curve.name == "secp256r1",
        "RS256": isinstance(secret, rsa.RSAPrivateKey) and secret.key_size >= MINIMUM_RSA_BITS,
    }
    if not fits[algorithm]:
        raise ImproperlyConfigured(f"JWT_PRIVATE_KEY_FILES: the key in {path} does not fit {algorithm}.")
    public = secret.public_key()
    writer: Any = {"EdDSA": OKPAlgorithm, "ES256": ECAlgorithm, "RS256": RSAAlgorithm}[algorithm]
    jwk = writer.to_jwk(public, as_dict=True)
    kid = _thumbprint(jwk)
    return Key(kid, algorithm, secret, public, {**jwk, "kid": kid, "use": "sig", "alg": algorithm})


def _thumbprint(jwk: dict[str, Any]) -> str:
    """RFC 7638, shortened: the same key has the same `kid` in every process."""
    required = {name: jwk[name] for name in sorted(jwk) if name in {"crv", "kty", "x", "y", "e", "n"}}
    return crypto.digest(json.dumps(required, separators=(",", ":")))[:16]
