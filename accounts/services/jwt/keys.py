"""Signing keys: generate, read from a file, derive from a secret."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.core.exceptions import ImproperlyConfigured
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from foodfleet.core import crypto

MINIMUM_RSA_BITS = 2048  # RFC 7518 section 3.3
NEW_RSA_BITS = 3072  # NIST SP 800-57: acceptable beyond 2030
SHARED_SECRET_BYTES = 32  # RFC 7518 section 3.2: at least as long as the hash
SHARED = "HS256"


@dataclass(frozen=True)
class Key:
    """A key: `secret` signs and `public` verifies (for HS256 they are the same); `jwk` is published."""

    kid: str
    algorithm: str
    secret: Any = field(repr=False)
    public: Any = field(repr=False)
    jwk: dict[str, Any] | None = None


def new_secret(algorithm: str) -> str:
    """Generate a secret as text: random for HS256, otherwise a private key as PEM."""
    if algorithm == SHARED:
        return secrets.token_hex(SHARED_SECRET_BYTES)
    if algorithm == "RS256":
        key: Any = rsa.generate_private_key(public_exponent=65537, key_size=NEW_RSA_BITS)
    elif algorithm == "ES256":
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        key = ed25519.Ed25519PrivateKey.generate()
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def from_text(text: str, algorithm: str) -> Key:
    """Return the key of a secret that `new_secret` generated."""
    return shared(text) if algorithm == SHARED else _private(text.encode(), algorithm, "a stored signing key")


def from_file(path: Path, algorithm: str) -> Key:
    """Return the key of a PEM file. Raises ImproperlyConfigured if it has no key for `algorithm`."""
    try:
        return _private(path.read_bytes(), algorithm, f"JWT_PRIVATE_KEY_FILES: {path}")
    except OSError:
        raise ImproperlyConfigured(f"JWT_PRIVATE_KEY_FILES: {path} cannot be read.") from None


def derived(secret_key: str) -> Key:
    """Derive the HS256 key from SECRET_KEY; it is used until `rotate_jwt_keys` creates one."""
    return shared(hashlib.sha256(f"foodfleet:jwt:{secret_key}".encode()).hexdigest())


def shared(secret: str) -> Key:
    """Return the key for HS256 with this secret."""
    return Key(kid=crypto.digest(secret)[:16], algorithm=SHARED, secret=secret, public=secret)


def _private(pem: bytes, algorithm: str, source: str) -> Key:
    try:
        secret = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ImproperlyConfigured(f"{source} has no private key in PEM format.") from None
    fits = {
        "EdDSA": isinstance(secret, ed25519.Ed25519PrivateKey),
        "ES256": isinstance(secret, ec.EllipticCurvePrivateKey) and secret.curve.name == "secp256r1",
        "RS256": isinstance(secret, rsa.RSAPrivateKey) and secret.key_size >= MINIMUM_RSA_BITS,
    }
    if not fits[algorithm]:
        raise ImproperlyConfigured(f"{source} does not fit {algorithm}.")
    public = secret.public_key()
    writer: Any = {"EdDSA": OKPAlgorithm, "ES256": ECAlgorithm, "RS256": RSAAlgorithm}[algorithm]
    jwk = writer.to_jwk(public, as_dict=True)
    kid = _thumbprint(jwk)
    published = {name: value for name, value in jwk.items() if name in {"kty", "crv", "x", "y", "e", "n"}}
    return Key(kid, algorithm, secret, public, {**published, "kid": kid, "use": "sig", "alg": algorithm})


def _thumbprint(jwk: dict[str, Any]) -> str:
    """Return a shortened RFC 7638 thumbprint, so that a key has the same `kid` in every process."""
    required = {name: jwk[name] for name in sorted(jwk) if name in {"crv", "kty", "x", "y", "e", "n"}}
    return crypto.digest(json.dumps(required, separators=(",", ":")))[:16]
