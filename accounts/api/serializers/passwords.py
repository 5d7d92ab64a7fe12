"""Serializers for passwords."""

from typing import Any

from accounts.api.serializers.fields import FrontendSerializer, PasswordField, TokenField
from foodfleet.core.http import serializers


class ResetPasswordSerializer(serializers.Serializer[Any]):
    """The token of the link, and the new password."""

    token = TokenField()
    password = PasswordField()


class ChangePasswordSerializer(FrontendSerializer):
    """The current password and the new one."""

    current_password = PasswordField()
    new_password = PasswordField()
