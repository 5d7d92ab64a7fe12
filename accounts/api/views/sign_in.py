"""Sign-in, token refresh, sign-out."""

from dataclasses import replace

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import cookies
from accounts.api.serializers.mfa import ChallengeSerializer
from accounts.api.serializers.sign_in import LoginSerializer, RefreshInSerializer, SignedInSerializer, TokensSerializer
from accounts.api.serializers.users import UserSerializer
from accounts.api.throttles import LoginThrottle
from accounts.api.views.base import NO_CONTENT, OpenView
from accounts.exceptions import (
    AccountLockedException,
    EmailNotVerifiedException,
    InvalidCredentialsException,
    InvalidSessionTokenException,
)
from accounts.services.login import password
from accounts.services.login.challenge import ChallengeIssued
from accounts.services.sessions import refresh as sessions_refresh
from accounts.services.sessions import sessions
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated


class LoginView(OpenView):
    """Sign in."""

    throttle_classes = [LoginThrottle]

    @raises(InvalidCredentialsException, AccountLockedException, EmailNotVerifiedException)
    @extend_schema(
        request=LoginSerializer,
        responses=PolymorphicProxySerializer(
            component_name="SignedInOrChallenge",
            serializers=[SignedInSerializer, ChallengeSerializer],
            resource_type_field_name=None,
        ),
    )
    def post(self, request: Request) -> Response:
        """Exchange e-mail and password for a pair of tokens, or for a challenge if two-factor authentication is on."""
        data = validated(request, LoginSerializer)
        client = replace(client_of(request), device_name=data.pop("device_name"))
        result = password.sign_in(**data, client=client)
        if isinstance(result, ChallengeIssued):
            return challenge_response(result)
        return signed_in_response(result)


def signed_in_response(result: password.SignedIn) -> Response:
    """Return the response with the tokens of a sign-in and the cookie that identifies the device."""
    body = TokensSerializer(result.tokens).data
    response = Response({**body, "token_type": "Bearer", "user": UserSerializer(result.user).data})
    cookies.set_device(response, result.device)
    return response


def challenge_response(issued: ChallengeIssued) -> Response:
    """Return the response with the challenge of the second step."""
    body = {
        "two_factor_required": True,
        "challenge": issued.challenge,
        "methods": issued.methods,
        "expires_in": issued.expires_in,
    }
    options = {"passkey_options": issued.passkey_options} if issued.passkey_options else {}
    return Response({**body, **options})


class RefreshView(OpenView):
    """Refresh tokens."""

    @raises(InvalidSessionTokenException)
    @extend_schema(request=RefreshInSerializer, responses=TokensSerializer)
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for a new pair. A refresh token works once."""
        data = validated(request, RefreshInSerializer)
        pair = sessions_refresh.refresh(token=data["refresh"], client=client_of(request))
        return Response({**TokensSerializer(pair).data, "token_type": "Bearer"})


class LogoutView(OpenView):
    """Sign out."""

    @raises(InvalidSessionTokenException)
    @extend_schema(request=RefreshInSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """End the session of this refresh token."""
        data = validated(request, RefreshInSerializer)
        sessions.sign_out(token=data["refresh"], client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
