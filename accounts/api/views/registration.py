"""Registration and confirmation of the address."""

from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.serializers.sign_in import DetailSerializer, EmailInSerializer, RegisterSerializer, TokenInSerializer
from accounts.api.serializers.users import UserSerializer
from accounts.api.throttles import ForgotThrottle, RegisterThrottle
from accounts.api.views.base import NO_CONTENT, OpenView, validated_with_client
from accounts.exceptions import (
    InvalidTokenException,
    RegistrationClosedException,
    UserAlreadyExistsException,
    WeakPasswordException,
)
from accounts.services.account import registration, registration_rules
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated


class RegisterView(OpenView):
    """Register."""

    throttle_classes = [RegisterThrottle]

    @raises(RegistrationClosedException, WeakPasswordException, UserAlreadyExistsException)
    @extend_schema(
        request=RegisterSerializer,
        responses={202: DetailSerializer, 201: UserSerializer},
    )
    def post(self, request: Request) -> Response:
        """Create an account; the response is the same whether or not the address has one.

        It is 403 `registration_closed` if people cannot register themselves (`REGISTRATION`), and 422 with the code
        `domain_not_allowed` in `details.email` for an address of a domain that is not allowed.
        """
        values, client = validated_with_client(request, RegisterSerializer)
        new = registration.NewUser(**values, language=request.LANGUAGE_CODE)
        user = registration.register(new=new, client=client)
        if settings.ACCOUNTS_PREVENT_ENUMERATION or user is None:
            detail = _("Thank you. We sent you an e-mail that says what comes next.")
            if settings.REGISTRATION == registration_rules.INVITE:
                detail = _("If this address was invited, we sent it an e-mail that says what comes next.")
            return Response({"detail": detail}, status=status.HTTP_202_ACCEPTED)
        return Response(UserSerializer(user).data, status=status.HTTP_201_CREATED)


class VerifyEmailView(OpenView):
    """Confirm an e-mail address."""

    @raises(InvalidTokenException)
    @extend_schema(request=TokenInSerializer, responses={204: NO_CONTENT})
    def post(self, request: Request) -> Response:
        """Confirm the address with the token from the e-mail."""
        registration.verify_email(**validated(request, TokenInSerializer), client=client_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ResendVerificationView(OpenView):
    """Request another confirmation e-mail."""

    throttle_classes = [ForgotThrottle]

    @extend_schema(request=EmailInSerializer, responses={202: DetailSerializer})
    def post(self, request: Request) -> Response:
        """Send the e-mail if the address has an unconfirmed account; the response is always the same."""
        values, client = validated_with_client(request, EmailInSerializer)
        registration.resend_verification(**values, client=client)
        detail = _("If this address waits for a confirmation, we sent another e-mail.")
        return Response({"detail": detail}, status=status.HTTP_202_ACCEPTED)
