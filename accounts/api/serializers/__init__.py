"""Serializers of accounts: the shape of input and output, no rules."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ErrorDetail

from accounts.models import User
from accounts.services.account import attributes, profile, registration
from accounts.states import Audience
from foodfleet.core.email_addresses import LONGEST_ADDRESS, validate_mailable
from foodfleet.core.http import serializers
from foodfleet.core.names import LONGEST_NAME, validate_name
from foodfleet.core.phone_numbers import LONGEST_SPELLING, PHONE_SCHEMA, normalize_phone
from rbac.services import decisions

ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f]+$"
PASSWORD_LENGTH = 4096  # only a limit of the input; the password policy has the rule


class PasswordField(serializers.CharField):
    """A password, taken as typed and never returned."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", PASSWORD_LENGTH)
        super().__init__(trim_whitespace=False, write_only=True, style={"input_type": "password"}, **kwargs)


class TokenField(serializers.CharField):
    """A token."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(write_only=True, **kwargs)


class PhoneField(serializers.CharField):
    """A phone number with country code in any spacing; its value is in E.164."""

    schema: ClassVar[dict[str, Any]] = PHONE_SCHEMA

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_SPELLING, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        try:
            return normalize_phone(super().to_internal_value(data))
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.message, code=error.code) from None


class EmailField(serializers.EmailField):
    """An e-mail address that mail can be sent to."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_ADDRESS, validators=[validate_mailable], **kwargs)


class NameField(serializers.CharField):
    """A first or last name."""

    schema: ClassVar[dict[str, Any]] = {"pattern": ONE_LINE}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=LONGEST_NAME, required=False, allow_blank=True, validators=[validate_name], **kwargs
        )


class AttributesField(serializers.JSONField):
    """The custom attributes that the reader may see; in a body, those to change, with null to remove one."""

    schema: ClassVar[dict[str, Any]] = {"type": "object", "additionalProperties": True, "example": {"shift": "night"}}

    def __init__(self, audience: Audience, **kwargs: Any) -> None:
        self.audience = audience
        super().__init__(**kwargs)

    def to_representation(self, value: Any) -> Any:
        return attributes.shown(value, self.audience)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError(_("Give an object of attributes."), code="not_a_dict")
        return data


class FrontendField(serializers.CharField):
    """The app whose pages the links in the e-mails of this request lead to: a name in FRONTEND_URLS."""

    def __init__(self, **kwargs: Any) -> None:
        help_text = (
            "The app that links in the e-mails of this request lead into: a name in the setting FRONTEND_URLS. "
            "Without it they lead to the product's own pages."
        )
        super().__init__(max_length=64, required=False, write_only=True, help_text=help_text, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name not in settings.FRONTEND_URLS:
            raise serializers.ValidationError(_("There is no client with this name."), code="unknown_client")
        return name


class FrontendSerializer(serializers.Serializer[Any]):
    """The body of a request whose e-mails have links."""

    client = FrontendField()


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
        """Report problems of the password together with invalid fields, not after them."""
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
    about_person = {name: text for name, text in texts.items() if isinstance(text, str)}
    return registration.password_problems(**about_person) if "password" in about_person else []


class LoginSerializer(serializers.Serializer[Any]):
    """Credentials, and the name of the device."""

    email = serializers.CharField(max_length=254)
    password = PasswordField()
    device_name = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")


class DetailSerializer(serializers.Serializer[Any]):
    """A message for the user."""

    detail = serializers.CharField(read_only=True)


class UserSerializer(serializers.ModelSerializer[User]):
    """The public fields of a user."""

    email_verified = serializers.BooleanField(source="is_email_verified", read_only=True)
    attributes = AttributesField(Audience.OWNER, read_only=True)

    class Meta:
        model = User
        fields = [
            "id", "email", "first_name", "last_name", "phone", "language", "email_verified", "is_active", "is_staff",
            "created_at", "attributes",
        ]  # fmt: skip
        read_only_fields = fields


class MeSerializer(UserSerializer):
    """The caller, with roles and permissions; names, language and some attributes can be changed."""

    attributes = AttributesField(Audience.OWNER, required=False)

    roles = serializers.SerializerMethodField()
    permissions = serializers.SerializerMethodField()
    language = serializers.ChoiceField(choices=settings.LANGUAGES, required=False, allow_blank=True)

    class Meta(UserSerializer.Meta):
        fields = [*UserSerializer.Meta.fields, "roles", "permissions", "deletion_due_at"]
        read_only_fields = [name for name in fields if name not in profile.FIELDS]

    def get_roles(self, user: User | AnonymousUser) -> list[str]:
        """Names of the user's roles."""
        return decisions.roles_of(user)

    def get_permissions(self, user: User | AnonymousUser) -> list[str]:
        """The user's permissions, as `resource:action`."""
        return sorted(decisions.labels_of(user))


class DeletionSerializer(serializers.Serializer[Any]):
    """The planned deletion of an account."""

    deleted_at = serializers.DateTimeField(read_only=True, help_text="When the account is deleted.")


class TokensSerializer(serializers.Serializer[Any]):
    """A pair of tokens."""

    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)
    token_type = serializers.CharField(read_only=True, default="Bearer")
    expires_in = serializers.IntegerField(read_only=True, help_text="Lifetime of the access token in seconds.")


class SignedInSerializer(TokensSerializer):
    """A pair of tokens and their user."""

    user = UserSerializer(read_only=True)
