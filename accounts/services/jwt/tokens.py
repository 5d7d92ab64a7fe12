"""Access and refresh tokens: simplejwt's token classes with the keys of `keyring`.

Follows RFC 8725: one algorithm for each key (3.1), `alg` never chosen by the token (3.1), `iss`, `aud` and `exp`
checked and required (3.8, 3.9), token types distinguished by an explicit claim (3.11, 3.12).
"""

import json
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from hashlib import sha256
from time import time
from typing import Any, Self

import jwt
from jwt.utils import base64url_decode, base64url_encode
from rest_framework_simplejwt import tokens as simplejwt
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.settings import api_settings

from accounts.exceptions import InvalidSessionTokenException
from accounts.models import Session
from accounts.services.jwt import claims, keyring
from foodfleet.core.metrics.counters import Counter

REQUIRED_CLAIMS = ["exp", "iat", "jti", "iss", "aud", "sub", "sid", "type"]
STRING_CLAIMS = ["jti", "sub", "sid", "type", "iss", "aud"]
INTEGER_CLAIMS = ["exp", "iat", "nbf"]  # our tokens have whole seconds
MAX_TIMESTAMP = 253_402_300_799  # the last second of the year 9999, the maximum of Python's datetime
HEADER_TYPE = "JWT"
MAX_TOKEN_LENGTH = 4096
CACHED_TOKENS = 20_000
ISSUED = Counter("foodfleet_tokens_issued_total", "Tokens that were signed, by type.", "type")


class KeyRingBackend:
    """A token backend for simplejwt that chooses the key by `kid`."""

    def encode(self, payload: dict[str, Any]) -> str:
        """Return a token with this payload, signed with the signing key."""
        key = keyring.signing_key()
        ISSUED.add(payload["type"])
        claims = {**payload, "iss": api_settings.ISSUER, "aud": api_settings.AUDIENCE}
        return jwt.encode(claims, key.secret, algorithm=key.algorithm, headers={"kid": key.kid})

    def get_leeway(self) -> timedelta:
        """Return how much clocks may differ."""
        leeway: timedelta = api_settings.LEEWAY
        return leeway

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """Verify a token and return its claims. Raises TokenBackendError."""
        try:
            signature = str(token).rpartition(".")[2]
            if base64url_encode(base64url_decode(signature)).decode() != signature:
                raise jwt.InvalidTokenError  # non-canonical base64: a token must have one form only
            header = _header_of(str(token).partition(".")[0])
            key = keyring.verifying_key(str(header["kid"]))
            # RFC 7515 4.1.11: `crit` names extensions, of which none is supported. 4.1.9: `typ` must be ours.
            if key is None or "crit" in header or header.get("typ", HEADER_TYPE) != HEADER_TYPE:
                raise jwt.InvalidTokenError
            claims: dict[str, Any] = jwt.decode(
                token,
                key.public,
                algorithms=[key.algorithm],
                audience=api_settings.AUDIENCE,
                issuer=api_settings.ISSUER,
                leeway=self.get_leeway(),
                options={"require": REQUIRED_CLAIMS, "verify_signature": verify},
            )
            _ensure_types(claims)
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise TokenBackendError("Token is invalid") from error
        return claims


def _ensure_types(claims: dict[str, Any]) -> None:
    """Reject claims of other types than our tokens have: PyJWT accepts a string as number and a list as audience."""
    if not all(isinstance(claims[name], str) for name in STRING_CLAIMS):
        raise jwt.InvalidTokenError
    if not all(
        type(claims[name]) is int and 0 <= claims[name] <= MAX_TIMESTAMP for name in INTEGER_CLAIMS if name in claims
    ):
        raise jwt.InvalidTokenError  # `type` and not `isinstance`, because a bool is an int


class SessionToken(simplejwt.Token):
    """A token of a session."""

    _backend = KeyRingBackend()

    def get_token_backend(self) -> Any:
        return self._backend

    @classmethod
    def for_session(cls, session: Session) -> Self:
        """Return a new token for the session and its user."""
        token: Self = cls.for_user(session.user)
        token["sid"] = str(session.pk)
        return token

    @cached_property
    def kid(self) -> str:
        """The `kid` of the key that signed this token; only for a token that was decoded."""
        return kid_of(str(self.token))

    @property
    def expires_at(self) -> int:
        """The claim `exp`, in Unix time."""
        return int(self.payload["exp"])


class AccessToken(SessionToken, simplejwt.AccessToken):
    """A token that authenticates requests; valid for 30 minutes by default."""

    @classmethod
    def for_session(cls, session: Session) -> Self:
        """Return a new token with the user's e-mail address and the claims of `claims.of_session`."""
        token = super().for_session(session)
        token["email"] = session.user.email
        token.payload.update(claims.of_session(session, session.user))
        return token


class RefreshToken(SessionToken, simplejwt.RefreshToken):  # type: ignore[misc]  # simplejwt's own bases disagree
    """A token that is exchanged once for the next pair of tokens; valid for 7 days by default."""

    access_token_class = AccessToken


def refresh_token(session: Session, *, until: datetime) -> str:
    """Return a signed refresh token for `session` that expires at `until` at the latest."""
    token = RefreshToken.for_session(session)
    token["exp"] = min(token.expires_at, int(until.timestamp()))
    return str(token)


def kid_of(token: str) -> str:
    """Return the `kid` of a token that was signed or verified here."""
    return str(_header_of(token.partition(".")[0])["kid"])


@lru_cache(maxsize=64)  # all tokens of a key have the same header
def _header_of(segment: str) -> dict[str, Any]:
    header = json.loads(base64url_decode(segment))
    if not isinstance(header, dict):
        raise jwt.InvalidTokenError
    return header


def read(token: str, kind: type[SessionToken]) -> SessionToken:
    """Verify and decode a token of `kind`. Raises InvalidSessionTokenException.

    A process verifies the signature of an access token once, as long as its key is in the ring; the expiry is checked
    each time. Requests share the returned token, so its claims must not be changed. A key that another process revoked
    may still be in the ring: `sessions.usable_session` and `refresh.refresh` check that.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise InvalidSessionTokenException
    digest = sha256(token.encode()).digest()
    known = _verified.get(digest) if kind is AccessToken else None
    if known is not None and keyring.still_verifies(known.kid):
        if _has_expired(known):
            _verified.pop(digest, None)
            raise InvalidSessionTokenException
        return known
    try:
        decoded = kind(token)  # type: ignore[arg-type]  # simplejwt calls an encoded token a Token
    except TokenError:
        raise InvalidSessionTokenException from None
    if kind is AccessToken:
        _remember(digest, decoded)
    return decoded


def is_still_valid(token: SessionToken) -> bool:
    """Return whether a token that was verified before has not expired and its key is in the ring. Makes no query."""
    return keyring.still_verifies(token.kid) and not _has_expired(token)


def _has_expired(token: SessionToken) -> bool:
    return bool(token.payload["exp"] <= time() - api_settings.LEEWAY.total_seconds())


_verified: dict[bytes, SessionToken] = {}


def _remember(digest: bytes, token: SessionToken) -> None:
    if len(_verified) >= CACHED_TOKENS:
        _verified.clear()
    _verified[digest] = token
