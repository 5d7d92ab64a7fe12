"""Shared parts of the API's views."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.serializers.fields import FrontendSerializer
from accounts.models import Session
from accounts.services.jwt import tokens
from accounts.services.sessions import sessions
from foodfleet.core.http.access import PUBLIC
from foodfleet.core.http.bodies.cached_responses import offer
from foodfleet.core.http.clients import Client, client_of
from foodfleet.core.http.serializers import validated
from rbac.services import decisions

NO_CONTENT = OpenApiResponse(description="Done.")


def validated_with_client(
    request: Request, serializer_class: type[FrontendSerializer]
) -> tuple[dict[str, Any], Client]:
    """Return the validated body without `client`, and the caller's client with the front end that `client` names.

    Raises the REST framework's ValidationError.
    """
    values = validated(request, serializer_class)
    return values, replace(client_of(request), frontend=values.pop("client", ""))


def session_id_of(request: Request) -> UUID:
    """Return the id of the caller's session or API key, in a view that requires sign-in."""
    assert request.auth is not None
    session_id: UUID = request.auth.pk
    return session_id


@dataclass(frozen=True)
class OwnData:
    """The data that a response was made from: only the caller's session, user and permissions."""

    user_id: int
    token: tokens.SessionToken
    session: Session
    access: decisions.Access

    def is_current(self) -> bool:
        """Return whether the token is still valid and nothing has changed since the response was made."""
        is_session = tokens.is_still_valid(self.token) and sessions.is_current(self.session, self.token.kid)
        return is_session and decisions.is_current(self.user_id, self.access)


def offer_own_data(request: Request, access: decisions.Access, make_content: Callable[[], Any] | None = None) -> None:
    """Allow the process to reuse the response, for as long as `OwnData.is_current`.

    access: the access that the response was made from. make_content: makes the content of each call, if it is not only
    the caller's own data. Responses to API keys and cookies are not reused, nor those to users whose role requires MFA,
    because each request has to read from the database whether MFA is on.
    """
    session = request.auth
    if not isinstance(session, Session) or session.copy_of is None or access.requires_2fa:
        return
    basis = OwnData(session.user_id, session.access_token, session.copy_of, access)
    renderer: Any = request.accepted_renderer
    media_type = request.accepted_media_type
    make_body = (lambda: renderer.render(make_content(), media_type)) if make_content else None
    offer(request._request, basis, make_body)


class OpenView(APIView):
    """A view that needs no sign-in and ignores any token in the request."""

    access = PUBLIC
    authentication_classes: list[Any] = []


def has_json(request: Request) -> bool:
    """Return whether the request has a JSON body."""
    return bool(request.content_type.startswith("application/json"))


def client_in_body(request: Request) -> Client:
    """Return the caller's client with the front end that the optional JSON body names."""
    return validated_with_client(request, FrontendSerializer)[1] if has_json(request) else client_of(request)
