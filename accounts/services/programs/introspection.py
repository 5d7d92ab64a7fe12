"""Introspection (RFC 7662) and revocation (RFC 7009) of tokens, for other services."""

from datetime import datetime
from typing import Any

from accounts.exceptions import ApiKeyNotFoundException, InvalidTokenException
from accounts.models import ApiKey, User
from accounts.services.account import access
from accounts.services.jwt import tokens
from accounts.services.jwt.tokens import SessionToken
from accounts.services.programs import access_tokens, api_keys, key_authentication
from accounts.services.sessions import refresh, sessions
from foodfleet.core.exceptions import ForbiddenException
from foodfleet.core.http.access import SIGNED_IN
from foodfleet.core.http.clients import Client
from rbac.services import decisions

INACTIVE = {"active": False}  # and nothing else: RFC 7662 2.2


def introspect(*, token: str, client: Client) -> dict[str, Any]:
    """Return the claims of an access token, refresh token or API key; only `active: false` if it is not valid now.

    The token of a user with a pending required action is inactive, because the API rejects it too. client: the service
    that sends the request.
    """
    try:
        if token.startswith(api_keys.SCHEME):
            return _of_key(token, client)
        return _of_access_token(token, client) or _of_refresh_token(token)
    except (InvalidTokenException, ForbiddenException):
        return INACTIVE


def revoke(*, token: str, client: Client) -> None:
    """Revoke a token. An unknown one changes nothing (RFC 7009 2.2).

    The refresh or access token of a session ends that session. An access token of a program or an API key is revoked
    alone. No other authorisation is needed, so that anybody who finds a leaked key can revoke it.
    """
    try:
        if token.startswith(api_keys.SCHEME):
            key = key_authentication.find(text=token, client=client)
            api_keys.revoke_own(user=key.user, key_id=key.pk, client=client)
            return
        read = _read_access_token(token)
        if read is None:
            sessions.sign_out(token=token, client=client)
        elif access_tokens.is_of_program(read):
            access_tokens.usable_key(read, client=client)
            access_tokens.revoke(read)
        else:
            session = sessions.usable_session(read["sid"], read["sub"], read.kid)
            sessions.sign_out_browser(session_id=session.pk, client=client)
    except (InvalidTokenException, ApiKeyNotFoundException):
        return


def _of_key(token: str, client: Client) -> dict[str, Any]:
    key = key_authentication.find(text=token, client=client)
    return {
        **_about(key.user, "Bearer"),
        "client_id": key.prefix,
        "iat": _unix(key.created_at),
        **({"exp": _unix(key.expires_at)} if key.expires_at else {}),
        **_networks(key),
    }


def _of_access_token(token: str, client: Client) -> dict[str, Any] | None:
    """Return the response for an access token; None for another token."""
    read = _read_access_token(token)
    if read is None:
        return None
    if not access_tokens.is_of_program(read):
        session = sessions.usable_session(read["sid"], read["sub"], read.kid)
        return {**_about(session.user, "Bearer"), **_claims(read)}
    key = access_tokens.usable_key(read, client=client)
    return {**_about(key.user, "Bearer"), **_claims(read), "client_id": key.prefix, **_networks(key)}


def _of_refresh_token(token: str) -> dict[str, Any]:
    """Return the response for an unused refresh token. It has another `token_type` and no scope: it gives no access."""
    session = refresh.find_unused(token).session
    about = _about(session.user, "refresh_token")
    del about["scope"]
    return {**about, **_claims(tokens.read(token, tokens.RefreshToken))}


def _read_access_token(token: str) -> SessionToken | None:
    try:
        return tokens.read(token, tokens.AccessToken)
    except InvalidTokenException:
        return None


def _about(user: User, token_type: str) -> dict[str, Any]:
    """Return the claims about the user. Raises ForbiddenException if a required action is pending."""
    access.ensure_no_action_pending(user, SIGNED_IN)
    return {
        "active": True,
        "token_type": token_type,
        "sub": str(user.pk),
        "username": user.get_full_name() if user.is_service_account else user.email,
        "scope": " ".join(sorted(decisions.codenames_of(user))),
    }


def _claims(read: SessionToken) -> dict[str, Any]:
    return {name: read.payload[name] for name in ("exp", "iat", "iss", "aud", "jti", "sid")}


def _networks(key: ApiKey) -> dict[str, Any]:
    """Return the key's allowed networks. Only the other service knows the client's address, so it has to compare."""
    return {"allowed_networks": key.allowed_networks} if key.allowed_networks else {}


def _unix(time: datetime) -> int:
    return int(time.timestamp())
