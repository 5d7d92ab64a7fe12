"""Authentication by bearer token, or by the session cookie of the pages."""

from typing import Any

import structlog
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts.exceptions import InvalidSessionTokenException
from accounts.models import Session, User
from accounts.services.account import access
from accounts.services.jwt import tokens
from accounts.services.mfa import methods
from accounts.services.sessions import sessions
from foodfleet.core.http.access import access_of


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access>`; `request.auth` is the Session. Raises InvalidSessionTokenException."""

    keyword = b"bearer"

    def authenticate(self, request: Request) -> tuple[User, Session] | None:
        scheme, _, credentials = get_authorization_header(request).partition(b" ")
        if scheme.lower() != self.keyword:
            return None
        try:
            token = credentials.strip().decode("ascii")
        except UnicodeDecodeError:
            raise InvalidSessionTokenException from None
        claims = tokens.read(token, tokens.AccessToken)
        session = sessions.usable_session(claims["sid"], claims["sub"], tokens.kid_of(token))
        structlog.contextvars.bind_contextvars(user_id=session.user_id)
        methods.add_verification(session.user, session.pk)
        _ensure_allowed(request, session.user, session)
        return session.user, session

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class PageSessionAuthentication(SessionAuthentication):
    """Django's session cookie with CSRF, for the pages' own scripts; `request.auth` is the Session."""

    def authenticate(self, request: Request) -> tuple[User, Session] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        session: Session = request._request.browser_session  # type: ignore[attr-defined]
        _ensure_allowed(request, found[0], session)
        return found[0], session


def _ensure_allowed(request: Request, user: User, session: Session) -> None:
    """Raise where this session does not fulfil what the view demands of signed-in callers."""
    declared = access_of(request.parser_context.get("view"))
    access.ensure_no_action_pending(user, declared)
    access.ensure_reauthenticated(user, session.pk, declared, request.method or "")


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """BearerAuthentication in the OpenAPI document."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class PageSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """PageSessionAuthentication in the OpenAPI document."""

    target_class = PageSessionAuthentication
    name = "cookie"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
