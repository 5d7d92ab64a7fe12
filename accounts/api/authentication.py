"""Authentication by access token, API key, or the session cookie of the pages."""

from typing import Any

import structlog
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication

from accounts.exceptions import InvalidApiKeyException, InvalidSessionTokenException
from accounts.models import ApiKey, Session, User
from accounts.services.account import access
from accounts.services.jwt import tokens
from accounts.services.mfa import methods
from accounts.services.programs import access_tokens, key_authentication
from accounts.services.sessions import sessions
from foodfleet.core.http import throttling
from foodfleet.core.http.access import access_of
from foodfleet.core.http.clients import client_of


class BearerAuthentication(JWTAuthentication):
    """`Authorization: Bearer` with an access token, as simplejwt's, or with an API key.

    `request.auth` is the Session of the token, because a token is valid only while its session is live, or the ApiKey.
    Raises InvalidSessionTokenException, InvalidApiKeyException or AddressNotAllowedException.
    """

    def authenticate(self, request: Request) -> tuple[User, Session | ApiKey] | None:  # type: ignore[override]
        header = self.get_header(request)
        raw_token = self.get_raw_token(header) if header else None
        if raw_token is None:
            return None
        auth: Session | ApiKey
        if key_authentication.is_key(raw_token):
            auth = self.get_api_key(raw_token, request)
        else:
            auth = self.get_session_or_key(self.get_validated_token(raw_token), request)
        structlog.contextvars.bind_contextvars(user_id=auth.user_id)
        _ensure_allowed(request, auth.user, auth)
        return auth.user, auth

    def get_raw_token(self, header: bytes) -> bytes | None:
        return bearer_credentials(header)

    def get_validated_token(self, raw_token: bytes) -> tokens.SessionToken:
        try:
            return tokens.read(raw_token.decode("ascii"), tokens.AccessToken)
        except UnicodeDecodeError:
            raise InvalidSessionTokenException from None

    def get_api_key(self, raw_token: bytes, request: Request) -> ApiKey:
        """Return the API key with its user. Failures are throttled by IP address, because each costs a query."""
        client = client_of(request)
        try:
            key = key_authentication.authenticate(text=raw_token.decode("ascii", "replace"), client=client)
        except InvalidApiKeyException:
            throttling.count("api_key", client)
            raise
        methods.add_verification(key.user, key.pk)
        return key

    def get_session_or_key(self, validated_token: tokens.SessionToken, request: Request) -> Session | ApiKey:
        """Return the session of the token, or the API key if it is a program's token."""
        if not access_tokens.is_of_program(validated_token):
            return self.get_session(validated_token)
        client = client_of(request)
        key = access_tokens.usable_key(validated_token, client=client)
        key_authentication.ensure_address_allowed(key, client)
        methods.add_verification(key.user, key.pk)
        return key

    def get_session(self, validated_token: tokens.SessionToken) -> Session:
        """Return the live session of the token, with its user."""
        session = sessions.usable_session(validated_token["sid"], validated_token["sub"], validated_token.kid)
        session.access_token = validated_token
        methods.add_verification(session.user, session.pk)
        return session

    def get_user(self, validated_token: tokens.SessionToken) -> User:  # type: ignore[override]
        return self.get_session(validated_token).user

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def bearer_credentials(header: bytes) -> bytes | None:
    """Return the credentials of an Authorization header; None unless its scheme is Bearer (RFC 9110 11.1)."""
    scheme, _, credentials = header.partition(b" ")
    return credentials.strip() if scheme.lower() == b"bearer" else None


class PageSessionAuthentication(SessionAuthentication):
    """Django's session cookie with CSRF protection, for scripts of the pages. `request.auth` is the Session."""

    def authenticate(self, request: Request) -> tuple[User, Session] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        session: Session = request._request.browser_session  # type: ignore[attr-defined]
        _ensure_allowed(request, found[0], session)
        return found[0], session


def _ensure_allowed(request: Request, user: User, session: Session | ApiKey) -> None:
    """Raise an exception if this session or key does not fulfil the requirements of the view."""
    declared = access_of(request.parser_context.get("view"))
    access.ensure_no_action_pending(user, declared)
    access.ensure_reauthenticated(user, session.pk, declared, request.method or "")


class BearerScheme(OpenApiAuthenticationExtension):
    """BearerAuthentication in the OpenAPI document."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class PageSessionScheme(OpenApiAuthenticationExtension):
    """PageSessionAuthentication in the OpenAPI document."""

    target_class = PageSessionAuthentication
    name = "cookie"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
