"""Serializers for e-mail addresses and phones."""

from typing import Any

from accounts.api.serializers.fields import EmailField, FrontendSerializer, PasswordField, PhoneField
from foodfleet.core.http import serializers


class ChangeEmailSerializer(FrontendSerializer):
    """The new address, and the caller's password."""

    email = EmailField()
    password = PasswordField()


class PhoneInSerializer(serializers.Serializer[Any]):
    """The phone number to confirm."""

    phone = PhoneField()


class PhoneCodeInSerializer(serializers.Serializer[Any]):
    """The code from the SMS."""

    code = serializers.CharField(max_length=16, write_only=True)
