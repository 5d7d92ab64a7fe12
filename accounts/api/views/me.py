"""One's own data."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import serializers
from accounts.api.views.base import signed_in_user
from accounts.models import User
from accounts.services import export
from foodfleet.core.clients import client_of


class MeView(generics.RetrieveUpdateAPIView[User]):
    """One's own data."""

    http_method_names = ["get", "patch", "head", "options"]
    serializer_class = serializers.MeSerializer
    permission_classes = [IsAuthenticated]

    def get_object(self) -> User:
        user: User = self.request.user  # type: ignore[assignment]
        return user


class ExportView(APIView):
    """Take one's own data along."""

    permission_classes = [IsAuthenticated]

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """Everything that is kept about the caller, as a file of JSON."""
        user = signed_in_user(request)
        name = f"foodfleet-user-{user.pk}.json"
        data = export.own_data(user=user, client=client_of(request))
        return Response(data, headers={"Content-Disposition": f'attachment; filename="{name}"'})
