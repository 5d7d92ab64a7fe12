"""The caller's own data."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import serializers
from accounts.api.views.base import signed_in_user
from accounts.services.account import export, profile
from foodfleet.core.http.access import SIGNED_IN
from foodfleet.core.http.clients import client_of


class MeView(APIView):
    """The caller's own data."""

    access = SIGNED_IN

    @extend_schema(responses=serializers.MeSerializer)
    def get(self, request: Request) -> Response:
        """Return the caller, with roles and permissions."""
        return Response(serializers.MeSerializer(signed_in_user(request)).data)

    @extend_schema(request=serializers.MeSerializer, responses=serializers.MeSerializer)
    def patch(self, request: Request) -> Response:
        """Change names and language; omitted fields stay as they are."""
        user = signed_in_user(request)
        serializer = serializers.MeSerializer(user, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return Response(serializers.MeSerializer(profile.change(user=user, **serializer.validated_data)).data)


class ExportView(APIView):
    """Export the caller's data."""

    access = SIGNED_IN

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """Return all stored data about the caller as a JSON file."""
        user = signed_in_user(request)
        name = f"foodfleet-user-{user.pk}.json"
        data = export.own_data(user=user, client=client_of(request))
        return Response(data, headers={"Content-Disposition": f'attachment; filename="{name}"'})
