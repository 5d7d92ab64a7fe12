"""Shared parts of the API's views."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.serializers.fields import FrontendSerializer
from foodfleet.core.http.access import PUBLIC
from foodfleet.core.http.clients import Client, client_of
from foodfleet.core.http.serializers import validated

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
