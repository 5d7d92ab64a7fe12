"""Serializers for registration, sign-in and tokens."""

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ErrorDetail

from accounts.api.serializers.fields import (
    EmailField,
    FrontendSerializer,
    NameField,
    PasswordField,
    PhoneField,
    TokenField,
)
from accounts.api.serializers.users import UserSerializer
from accounts.services.account import registration
from foodfleet.core.http import serializers


class EmailInSerializer(FrontendSerializer):
    """An e-mail address."""

    email = EmailField()


class TokenInSerializer(serializers.Serializer[Any]):
    """The token of a link."""

    token = TokenField()


class RefreshInSerializer(serializers.Serializer[Any]):
    """A refresh token."""

    refresh = TokenField()


class RegisterSerializer(FrontendSerializer):
    """A registration."""

    email = EmailField()
    password = PasswordField()
    first_name = NameField()
    last_name = NameField()
    phone = PhoneField(required=False, allow_blank=True, default="")

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Also validate the password if other fields are invalid, so that the client gets all errors at once."""
        try:
            return super().run_validation(data)
        except serializers.ValidationError as error:
            details = error.detail
            if not isinstance(details, dict) or "password" in details or not isinstance(data, Mapping):
                raise
            problems = _password_problems({name: data[name] for name in data if name not in details})
            password = [ErrorDetail(str(problem["message"]), problem["code"]) for problem in problems]
            raise serializers.ValidationError({**details, "password": password} if password else details) from None


def _password_problems(data: Mapping[str, Any]) -> list[Any]:
    texts = {name: data[name] for name in ("email", "password", "first_name", "last_name") if name in data}
    given = {name: text for name, text in texts.items() if isinstance(text, str)}
    return registration.password_problems(**given) if "password" in given else []


class LoginSerializer(serializers.Serializer[Any]):
    """Credentials, and the name of the device."""

    email = serializers.CharField(max_length=254)
    password = PasswordField()
    device_name = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")


class DetailSerializer(serializers.Serializer[Any]):
    """A message for the user."""

    detail = serializers.CharField(read_only=True)


class TokensSerializer(serializers.Serializer[Any]):
    """A pair of tokens."""

    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)
    token_type = serializers.CharField(read_only=True, default="Bearer")
    expires_in = serializers.IntegerField(read_only=True, help_text="Lifetime of the access token in seconds.")


class SignedInSerializer(TokensSerializer):
    """A pair of tokens and their user."""

    user = UserSerializer(read_only=True)
