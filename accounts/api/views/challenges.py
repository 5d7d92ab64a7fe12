"""Two-factor authentication at sign-in, and sign-in by passkey alone."""

from dataclasses import replace

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import cookies
from accounts.api.serializers import mfa as schemas
from accounts.api.serializers.sign_in import DetailSerializer, SignedInSerializer
from accounts.api.throttles import ForgotThrottle, MFAThrottle
from accounts.api.views.base import OpenView
from accounts.api.views.sign_in import signed_in_response
from accounts.exceptions import (
    AccountLockedException,
    EmailNotVerifiedException,
    Invalid2FACodeException,
    InvalidCredentialsException,
)
from accounts.services.login import passkey, second_step
from accounts.services.mfa import trusted_browsers
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated


class LoginVerifyView(OpenView):
    """Answer a challenge."""

    throttle_classes = [MFAThrottle]

    @raises(Invalid2FACodeException, InvalidCredentialsException, AccountLockedException, EmailNotVerifiedException)
    @extend_schema(request=schemas.ChallengeAnswerSerializer, responses=SignedInSerializer)
    def post(self, request: Request) -> Response:
        """Exchange a two-factor code for a pair of tokens. A challenge works once and allows five attempts."""
        data = validated(request, schemas.ChallengeAnswerSerializer)
        remember = data.pop("remember_browser")
        client = client_of(request)
        signed_in = second_step.answer(**data, client=client)
        response = signed_in_response(signed_in)
        if remember:
            cookies.set_trusted_browser(response, trusted_browsers.remember(user=signed_in.user, client=client))
        return response


class LoginSMSView(OpenView):
    """Request a code by SMS."""

    throttle_classes = [ForgotThrottle]

    @raises(Invalid2FACodeException)
    @extend_schema(request=schemas.ChallengeInSerializer, responses={202: DetailSerializer})
    def post(self, request: Request) -> Response:
        """Send a 6-digit code to the confirmed phone number."""
        second_step.send_sms_code(**validated(request, schemas.ChallengeInSerializer), client=client_of(request))
        return Response({"detail": _("We texted you a code.")}, status=status.HTTP_202_ACCEPTED)


class PasskeyLoginView(OpenView):
    """Start to sign in by passkey alone."""

    throttle_classes = [MFAThrottle]  # not LoginThrottle, because the sign-in page calls it whenever it is opened

    @extend_schema(request=None, responses=schemas.PasskeyChallengeSerializer)
    def post(self, request: Request) -> Response:
        """Return the options for the browser's passkey call."""
        challenge = passkey.begin(client=client_of(request))
        return Response(schemas.PasskeyChallengeSerializer(challenge).data)


class PasskeyLoginVerifyView(OpenView):
    """Sign in by passkey alone."""

    throttle_classes = [MFAThrottle]

    @raises(Invalid2FACodeException, InvalidCredentialsException, AccountLockedException, EmailNotVerifiedException)
    @extend_schema(request=schemas.PasskeyAssertionSerializer, responses=SignedInSerializer)
    def post(self, request: Request) -> Response:
        """Exchange a passkey's assertion for a pair of tokens, if the passkey may be used without the password."""
        data = validated(request, schemas.PasskeyAssertionSerializer)
        client = replace(client_of(request), device_name=data.pop("device_name"))
        return signed_in_response(passkey.sign_in_with(**data, client=client))
