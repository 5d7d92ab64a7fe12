"""Access and refresh tokens: simplejwt's token classes with our key ring.

Follows RFC 8725: one algorithm for each key (3.1), `alg` never chosen by the token (3.1), `iss`, `aud` and `exp`
checked and required (3.8, 3.9), token types distinguished by an explicit claim (3.11, 3.12).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from time import time
from typing import Any

import jwt
from django.conf import settings
from jwt.utils import base64url_decode, base64url_encode
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.tokens import Token

from accounts.exceptions import InvalidSessionTokenException
from accounts.models import Session, User
from accounts.services.jwt import keyring

REQUIRED_CLAIMS = ["exp", "iat", "jti", "iss", "aud", "sub", "sid", "type"]
STRING_CLAIMS = ["jti", "sub", "sid", "type", "iss", "aud"]
INTEGER_CLAIMS = ["exp", "iat", "nbf"]  # whole seconds, as we sign them
LATEST = 253_402_300_799  # the last second of the year 9999, the last date of Python
HEADER_TYPE = "JWT"
LEEWAY = timedelta(seconds=10)  # clocks of several machines differ
MAX_TOKEN_LENGTH = 4096
CACHED_TOKENS = 20_000


class KeyRingBackend:
    """The backend of simplejwt's tokens: chooses the key by `kid`."""

    def encode(self, payload: dict[str, Any]) -> str:
        """Sign with the signing key."""
        key = keyring.signing_key()
        claims = {**payload, "iss": settings.SIMPLE_JWT["ISSUER"], "aud": settings.SIMPLE_JWT["AUDIENCE"]}
        return jwt.encode(claims, key.secret, algorithm=key.algorithm, headers={"kid": key.kid})

    def get_leeway(self) -> timedelta:
        """How much clocks may differ."""
        return LEEWAY

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """The claims of a token that verifies. Raises TokenBackendError."""
        try:
            signature = str(token).rpartition(".")[2]
            if base64url_encode(base64url_decode(signature)).decode() != signature:
                raise jwt.InvalidTokenError  # another base64 form of the same signature; the rest is signed as text
            header = jwt.get_unverified_header(token)
            key = keyring.verifying_key(str(header["kid"]))
            # RFC 7515 4.1.11: we support no extension; 4.1.9: `typ` is what we sign.
            if key is None or "crit" in header or header.get("typ", HEADER_TYPE) != HEADER_TYPE:
                raise jwt.InvalidTokenError
            claims: dict[str, Any] = jwt.decode(
                token,
                key.public,
                algorithms=[key.algorithm],
                audience=settings.SIMPLE_JWT["AUDIENCE"],
                issuer=settings.SIMPLE_JWT["ISSUER"],
                leeway=LEEWAY,
                options={"require": REQUIRED_CLAIMS, "verify_signature": verify},
            )
            _ensure_types(claims)
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise TokenBackendError("Token is invalid") from error
        return claims


def _ensure_types(claims: dict[str, Any]) -> None:
    """Reject claims of other types than we sign: PyJWT accepts a string as a number and a list as an audience."""
    if not all(isinstance(claims[name], str) for name in STRING_CLAIMS):
        raise jwt.InvalidTokenError
    if not all(type(claims[name]) is int and 0 <= claims[name] <= LATEST for name in INTEGER_CLAIMS if name in claims):
        raise jwt.InvalidTokenError  # `type`: a bool is an int


class SessionToken(Token):
    """A token of a session."""

    _backend = KeyRingBackend()

    def get_token_backend(self) -> Any:
        return self._backend

    @classmethod
    def of(cls, session: Session) -> "SessionToken":
        """A new token for the session's user."""
        token = cls()
        token["sub"] = str(session.user_id)
        token["sid"] = str(session.pk)
        return token

    @property
    def expires_at(self) -> int:
        """Unix time."""
        return int(self.payload["exp"])


class AccessToken(SessionToken):
    """A token that authenticates requests; lives 30 minutes by default."""

    token_type = "access"
    lifetime = settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]


class RefreshToken(SessionToken):
    """A token that is exchanged once for the next pair; lives 7 days by default."""

    token_type = "refresh"
    lifetime = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]


def access_token(session: Session, user: User) -> str:
    """A signed access token for `session`."""
    token = AccessToken.of(session)
    token["email"] = user.email
    return str(token)


def refresh_token(session: Session, *, until: datetime) -> str:
    """A signed refresh token for `session` that expires at `until` at the latest."""
    token = RefreshToken.of(session)
    token["exp"] = min(token.expires_at, int(until.timestamp()))
    return str(token)


def kid_of(token: str) -> str:
    """The `kid` of a token that we signed or verified."""
    return str(jwt.get_unverified_header(token)["kid"])


def read(token: str, kind: type[SessionToken]) -> dict[str, Any]:
    """The claims of `token` if it verifies and is of `kind`. Raises InvalidSessionTokenException.

    The signature of an access token is verified once in each process while its key is in the ring, and cached by the
    token's digest; the expiry is checked each time. A key that another process revoked may still be in the ring:
    `sessions.usable_session` and `refresh.refresh` check that.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise InvalidSessionTokenException
    digest = sha256(token.encode()).digest()
    known = _verified.get(digest) if kind is AccessToken else None
    if known is not None and keyring.still_verifies(known.kid):
        if known.claims["exp"] <= time() - LEEWAY.total_seconds():
            _verified.pop(digest, None)
            raise InvalidSessionTokenException
        return dict(known.claims)
    try:
        claims = dict(kind(token).payload)  # type: ignore[arg-type]
    except TokenError:
        raise InvalidSessionTokenException from None
    if kind is AccessToken:
        _remember(digest, _Verified(kid_of(token), claims))
    return dict(claims)


@dataclass(frozen=True)
class _Verified:
    kid: str
    claims: dict[str, Any]


_verified: dict[bytes, _Verified] = {}


def _remember(digest: bytes, verified: _Verified) -> None:
    if len(_verified) >= CACHED_TOKENS:
        _verified.clear()
    _verified[digest] = verified
