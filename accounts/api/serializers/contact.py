"""Shapes of what is said about addresses and phones."""

from typing import Any

from accounts.api.serializers import EmailField, PasswordField, PhoneField
from foodfleet.core.http import serializers


class ChangeEmailSerializer(serializers.Serializer[Any]):
    """The new address, and the password as proof of who asks."""

    email = EmailField()
    password = PasswordField()


class PhoneInSerializer(serializers.Serializer[Any]):
    """The number that a code is to go to."""

    phone = PhoneField()


class PhoneCodeInSerializer(serializers.Serializer[Any]):
    """The code of a text."""

    code = serializers.CharField(max_length=16, write_only=True)
