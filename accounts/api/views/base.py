"""Shared parts of the API's views."""

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
    """Return the validated body without `client`, and the caller's client, which has the front end that it names.

    Raises the REST framework's ValidationError.
    """
    values = validated(request, serializer_class)
    return values, replace(client_of(request), frontend=values.pop("client", ""))


def session_id_of(request: Request) -> UUID:
    """The id of the caller's session, in a view that requires sign-in."""
    assert request.auth is not None
    session_id: UUID = request.auth.pk
    return session_id


@dataclass(frozen=True)
class OwnData:
    """The basis of a response that was made of nothing but the caller's session, user and permissions."""

    user_id: int
    token: tokens.SessionToken
    session: Session
    access: decisions.Access

    def is_current(self) -> bool:
        """Return whether the token holds, and nothing was changed since the response was made."""
        is_session = tokens.still_holds(self.token) and sessions.is_current(self.session, self.token.kid)
        return is_session and decisions.is_current(self.user_id, self.access)


def offer_own_data(request: Request, access: decisions.Access) -> None:
    """Let the process give the response again. access: what the response was made with.

    Not for API keys and cookies, nor where a role requires MFA: whether it is on is asked of the database each time.
    """
    session = request.auth
    if isinstance(session, Session) and session.copy_of is not None and not access.requires_2fa:
        offer(request._request, OwnData(session.user_id, session.access_token, session.copy_of, access))


class OpenView(APIView):
    """A view that needs no sign-in and ignores a token that is sent to it."""

    access = PUBLIC
    authentication_classes: list[Any] = []


def has_json(request: Request) -> bool:
    """Whether the request has a body that is JSON."""
    return bool(request.content_type.startswith("application/json"))


def client_in_body(request: Request) -> Client:
    """The caller's client, with the front end that a body names; without a body, our pages."""
    return validated_with_client(request, FrontendSerializer)[1] if has_json(request) else client_of(request)
