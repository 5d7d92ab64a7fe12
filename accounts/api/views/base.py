"""What the views share."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User
from foodfleet.core.http.access import PUBLIC

NO_CONTENT = OpenApiResponse(description="Done.")


def validated(request: Request, shape: type[Any]) -> dict[str, Any]:
    """The body in the shape of a serializer. Raises the REST framework's ValidationError."""
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def signed_in_user(request: Request) -> User:
    """The caller, in a view that only those who are signed in reach."""
    assert isinstance(request.user, User)
    return request.user


def session_id_of(request: Request) -> UUID:
    """The id of the session that the call belongs to, in a view that only those who are signed in reach."""
    assert request.auth is not None
    session_id: UUID = request.auth.pk
    return session_id


class OpenView(APIView):
    """A call for people who are not signed in; a token that they send all the same is ignored."""

    access = PUBLIC
    authentication_classes: list[Any] = []
