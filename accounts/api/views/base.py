"""What the views share."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import User

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


class OpenView(APIView):
    """A call for people who are not signed in: who sends a stale token gets no refusal for it."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []
