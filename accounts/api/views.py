"""Registration, sign-in and one's own data."""

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, status
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import serializers
from accounts.models import User
from accounts.services import registration, sessions, sign_in
from foodfleet.core.clients import client_of
from foodfleet.core.throttling import ForgotThrottle, LoginThrottle, RegisterThrottle

NO_CONTENT = OpenApiResponse(description="Done.")


class OpenView(APIView):
    """A call for people who are not signed in: who sends a stale token gets no refusal for it."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []

    def validated(self, request: Request, shape: type[Any]) -> dict[str, Any]:
        """The body in the shape of a serializer. Raises the REST framework's ValidationError."""
        serializer = shape(data=request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class RegisterView(OpenView):
    """Make an account."""

    throttle_classes = [RegisterThrottle]

    @extend_schema(
        request=serializers.RegisterSerializer,
        responses={202: serializers.DetailSerializer, 201: serializers.UserSerializer},
    )
    def post(self, request: Request) -> Response:
        """Register; the answer is the same whether or not the address has an account."""
        new = registration.NewUser(
            **self.validated(request, serializers.RegisterSerializer), language=request.LANGUAGE_CODE
        )
        user = registration.register(new=new, client=client_of(request))
        if settings.ACCOUNTS_PREVENT_ENUMERATION or user is None:
            detail = _("Thank you. We sent you an e-mail that says what comes next.")
            return Response({"detail": detail}, status=status.HTTP_202_ACCEPTED)
        return Response(serializers.UserSerializer(user).data, status=status.HTTP_201_CREATED)


class VerifyEmailView(OpenView):
    """Confirm an address."""

    throttle_classes = [RegisterThrottle]

    @extend_schema(request=serializers.TokenInSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """Use the token of the mail."""
        registration.verify_email(**self.validated(request, serializers.TokenInSerializer), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ResendVerificationView(OpenView):
    """Ask for another confirmation mail."""

    throttle_classes = [ForgotThrottle]

    @extend_schema(request=serializers.EmailInSerializer, responses={202: serializers.DetailSerializer})
    def post(self, request: Request) -> Response:
        """Send it where there is something to confirm; the answer is always the same."""
        registration.resend_verification(
            **self.validated(request, serializers.EmailInSerializer), client=client_of(request)
        )
        detail = _("If this address waits for a confirmation, we sent another e-mail.")
        return Response({"detail": detail}, status=status.HTTP_202_ACCEPTED)


class LoginView(OpenView):
    """Sign in."""

    throttle_classes = [LoginThrottle]

    @extend_schema(request=serializers.LoginSerializer, responses=serializers.SignedInSerializer)
    def post(self, request: Request) -> Response:
        """Exchange e-mail and password for a pair of tokens."""
        data = self.validated(request, serializers.LoginSerializer)
        client = replace(client_of(request), device_name=data.pop("device_name"))
        result = sign_in.sign_in(**data, client=client)
        body = serializers.TokensSerializer(result.tokens).data
        return Response({**body, "token_type": "Bearer", "user": serializers.UserSerializer(result.user).data})


class RefreshView(OpenView):
    """Go on."""

    throttle_classes = [LoginThrottle]

    @extend_schema(request=serializers.RefreshInSerializer, responses=serializers.TokensSerializer)
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for the next pair; it serves once."""
        data = self.validated(request, serializers.RefreshInSerializer)
        pair = sessions.refresh(token=data["refresh"])
        return Response({**serializers.TokensSerializer(pair).data, "token_type": "Bearer"})


class LogoutView(OpenView):
    """Sign out."""

    throttle_classes = [LoginThrottle]

    @extend_schema(request=serializers.RefreshInSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """End the session of this refresh token."""
        sessions.sign_out(token=self.validated(request, serializers.RefreshInSerializer)["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(generics.RetrieveUpdateAPIView[User]):
    """One's own data."""

    http_method_names = ["get", "patch", "head", "options"]
    serializer_class = serializers.MeSerializer
    permission_classes = [IsAuthenticated]

    def get_object(self) -> User:
        user: User = self.request.user  # type: ignore[assignment]
        return user
