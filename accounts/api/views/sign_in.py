"""Signing in, going on, signing out."""

from dataclasses import replace

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import serializers
from accounts.api.views.base import NO_CONTENT, OpenView, validated
from accounts.services import sessions, sign_in
from foodfleet.core.clients import client_of, keep_device
from foodfleet.core.throttling import LoginThrottle


class LoginView(OpenView):
    """Sign in."""

    throttle_classes = [LoginThrottle]

    @extend_schema(request=serializers.LoginSerializer, responses=serializers.SignedInSerializer)
    def post(self, request: Request) -> Response:
        """Exchange e-mail and password for a pair of tokens."""
        data = validated(request, serializers.LoginSerializer)
        client = replace(client_of(request), device_name=data.pop("device_name"))
        result = sign_in.sign_in(**data, client=client)
        body = serializers.TokensSerializer(result.tokens).data
        response = Response({**body, "token_type": "Bearer", "user": serializers.UserSerializer(result.user).data})
        keep_device(response, result.device)
        return response


class RefreshView(OpenView):
    """Go on."""

    @extend_schema(request=serializers.RefreshInSerializer, responses=serializers.TokensSerializer)
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for the next pair; it serves once."""
        data = validated(request, serializers.RefreshInSerializer)
        pair = sessions.refresh(token=data["refresh"])
        return Response({**serializers.TokensSerializer(pair).data, "token_type": "Bearer"})


class LogoutView(OpenView):
    """Sign out."""

    @extend_schema(request=serializers.RefreshInSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """End the session of this refresh token."""
        sessions.sign_out(token=validated(request, serializers.RefreshInSerializer)["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)
