"""Serializers for two-factor authentication."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field

from accounts.api.serializers.fields import PasswordField, TokenField
from accounts.models import MFAReset, Passkey, TrustedBrowser
from accounts.states import Method
from foodfleet.core.http import serializers

CODE_LENGTH = 64
CREDENTIAL_LENGTH = 32_000  # of an authenticator's response in JSON


class CodeField(serializers.CharField):
    """A code of the authenticator app, or a backup code, as typed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=CODE_LENGTH, write_only=True, **kwargs)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "minLength": 1, "maxLength": CREDENTIAL_LENGTH},
            {"type": "object", "additionalProperties": True},
        ]
    }
)
class CredentialField(serializers.Field):  # type: ignore[type-arg]
    """The browser's `PublicKeyCredential.toJSON()`, as an object or as its text."""

    default_error_messages = {"invalid": _("Give a text or an object.")}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) or (isinstance(data, str) and 0 < len(data) <= CREDENTIAL_LENGTH):
            return data
        raise serializers.ValidationError(self.error_messages["invalid"], code="invalid")

    def to_representation(self, value: Any) -> Any:
        return value


class ChallengeSerializer(serializers.Serializer[Any]):
    """The response to a correct password if two-factor authentication is on."""

    two_factor_required = serializers.BooleanField(read_only=True, default=True)
    challenge = serializers.CharField(read_only=True)
    methods = serializers.ListField(child=serializers.ChoiceField(choices=Method.values), read_only=True)
    expires_in = serializers.IntegerField(read_only=True, help_text="Lifetime of the challenge in seconds.")
    passkey_options = serializers.JSONField(  # not read_only: the schema would then say that it is always present
        required=False, help_text="Options for `navigator.credentials.get`; only with the method `passkey`."
    )


class ChallengeAnswerSerializer(serializers.Serializer[Any]):
    """The answer to a challenge. With the method `passkey`, `code` is the browser's credential."""

    challenge = TokenField()
    method = serializers.ChoiceField(choices=Method.choices)
    code = CredentialField()
    remember_browser = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Skip two-factor authentication on this browser for 30 days.",
    )


class ChallengeInSerializer(serializers.Serializer[Any]):
    """The challenge to send an SMS for."""

    challenge = TokenField()


class PasskeyChallengeSerializer(serializers.Serializer[Any]):
    """A challenge and the options of the browser's passkey call."""

    challenge = serializers.CharField(source="token", read_only=True)
    options = serializers.JSONField(read_only=True, help_text="`PublicKeyCredential…OptionsJSON`.")
    expires_in = serializers.IntegerField(read_only=True)


class PasskeyAssertionSerializer(serializers.Serializer[Any]):
    """The credential from the browser's passkey call."""

    challenge = TokenField()
    credential = CredentialField()
    device_name = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")


class StatusSerializer(serializers.Serializer[Any]):
    """The state of two-factor authentication."""

    enabled = serializers.BooleanField(read_only=True)
    methods = serializers.ListField(child=serializers.ChoiceField(choices=Method.values), read_only=True)
    backup_codes_remaining = serializers.IntegerField(read_only=True)


class PasswordInSerializer(serializers.Serializer[Any]):
    """The caller's password."""

    password = PasswordField()


class SetupSerializer(serializers.Serializer[Any]):
    """The secret for an authenticator app."""

    secret = serializers.CharField(read_only=True, help_text="Base32.")
    otpauth_uri = serializers.CharField(source="uri", read_only=True)
    qr_code = serializers.CharField(source="qr_png", read_only=True, help_text="A `data:image/png;base64,` URI.")


class CodeInSerializer(serializers.Serializer[Any]):
    """A code of the authenticator app, or a backup code."""

    code = CodeField()


class BackupCodesSerializer(serializers.Serializer[Any]):
    """Ten backup codes. They are returned only once."""

    backup_codes = serializers.ListField(child=serializers.CharField(), read_only=True)


class PasswordAndCodeSerializer(serializers.Serializer[Any]):
    """The caller's password and a code."""

    password = PasswordField()
    code = CodeField()


class ReauthenticationSerializer(serializers.Serializer[Any]):
    """The caller's password and, if two-factor authentication is on, a code."""

    password = PasswordField()
    code = CodeField(required=False, allow_blank=True, default="")


class PasskeySerializer(serializers.ModelSerializer[Passkey]):
    """A passkey."""

    class Meta:
        model = Passkey
        fields = ["id", "name", "passwordless", "is_backed_up", "created_at", "last_used_at"]
        read_only_fields = ["id", "is_backed_up", "created_at", "last_used_at"]


class NewPasskeySerializer(serializers.Serializer[Any]):
    """The passkey that the browser created, with its name and use."""

    challenge = TokenField()
    credential = CredentialField()
    name = serializers.CharField(max_length=100)
    passwordless = serializers.BooleanField(
        required=False, default=False, help_text="Allow signing in with this passkey alone, without the password."
    )


class AddedPasskeySerializer(PasskeySerializer):
    """A new passkey, with backup codes if it turns two-factor authentication on."""

    backup_codes = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta(PasskeySerializer.Meta):
        fields = [*PasskeySerializer.Meta.fields, "backup_codes"]
        read_only_fields = fields


class TrustedBrowserSerializer(serializers.ModelSerializer[TrustedBrowser]):
    """A browser that skips two-factor authentication."""

    class Meta:
        model = TrustedBrowser
        fields = ["id", "ip", "user_agent", "created_at", "last_used_at", "expires_at"]
        read_only_fields = fields


class ResetInSerializer(serializers.Serializer[Any]):
    """The reason for a reset of two-factor authentication."""

    reason = serializers.CharField(max_length=400)


class ResetSerializer(serializers.ModelSerializer[MFAReset]):
    """A reset of two-factor authentication."""

    class Meta:
        model = MFAReset
        fields = [
            "id",
            "user",
            "reason",
            "requested_by",
            "requested_at",
            "approved_by",
            "effective_at",
            "cancelled_at",
            "done_at",
        ]
        read_only_fields = fields
