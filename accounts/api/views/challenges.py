"""The second step of signing in, and signing in by passkey alone."""

from dataclasses import replace

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import serializers
from accounts.api.serializers import second_factor as shapes
from accounts.api.views.base import OpenView, validated
from accounts.api.views.sign_in import signed_in_response
from accounts.services.login import passkey, second_step
from accounts.services.mfa import trusted_browsers
from foodfleet.core.http.clients import client_of, set_trusted_browser_cookie
from foodfleet.core.http.throttling import ForgotThrottle, SecondFactorThrottle


class LoginVerifyView(OpenView):
    """Answer a challenge."""

    throttle_classes = [SecondFactorThrottle]

    @extend_schema(request=shapes.AnswerSerializer, responses=serializers.SignedInSerializer)
    def post(self, request: Request) -> Response:
        """Exchange a two-factor code for a pair of tokens. A challenge serves once and dies after 5 wrong codes."""
        data = validated(request, shapes.AnswerSerializer)
        remember = data.pop("remember_browser")
        client = client_of(request)
        signed_in = second_step.answer(**data, client=client)
        response = signed_in_response(signed_in)
        if remember:
            set_trusted_browser_cookie(response, trusted_browsers.remember(user=signed_in.user, client=client))
        return response


class LoginSMSView(OpenView):
    """Ask for a code by text message."""

    throttle_classes = [ForgotThrottle]

    @extend_schema(request=shapes.ChallengeInSerializer, responses={202: serializers.DetailSerializer})
    def post(self, request: Request) -> Response:
        """Text a 6-digit code to the verified phone."""
        second_step.send_sms_code(**validated(request, shapes.ChallengeInSerializer), client=client_of(request))
        return Response({"detail": _("We texted you a code.")}, status=status.HTTP_202_ACCEPTED)


class PasskeyLoginView(OpenView):
    """Begin to sign in by passkey alone."""

    throttle_classes = [SecondFactorThrottle]  # every view of the sign-in page asks: it must not use up sign-ins

    @extend_schema(request=None, responses=shapes.PasskeyQuestionSerializer)
    def post(self, request: Request) -> Response:
        """What the browser is given to find a passkey of this site."""
        question = passkey.begin(client=client_of(request))
        return Response(shapes.PasskeyQuestionSerializer(question).data)


class PasskeyLoginVerifyView(OpenView):
    """Sign in by passkey alone."""

    throttle_classes = [SecondFactorThrottle]

    @extend_schema(request=shapes.PasskeyAnswerSerializer, responses=serializers.SignedInSerializer)
    def post(self, request: Request) -> Response:
        """Exchange a passkey's answer for a pair of tokens, where its owner lets it be the whole sign-in."""
        data = validated(request, shapes.PasskeyAnswerSerializer)
        client = replace(client_of(request), device_name=data.pop("device_name"))
        return signed_in_response(passkey.sign_in_with(**data, client=client))
