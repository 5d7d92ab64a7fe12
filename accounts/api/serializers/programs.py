"""Serializers for service accounts and API keys."""

from typing import Any

from drf_spectacular.utils import extend_schema_field

from accounts.models import ApiKey, ServiceAccount
from accounts.services.programs.api_keys import MAX_NETWORKS
from foodfleet.core.http import serializers
from foodfleet.core.names import LONGEST_NAME, validate_name
from rbac.api.serializers import IdField, codenames_field

MAX_NETWORK_LENGTH = 49  # an IPv6 address with an IPv4 part, and its prefix length
MAX_DESCRIPTION_LENGTH = 500
MAX_TOKEN_LENGTH = 4096
OWNER = "Id of the person responsible for it; by default the caller."
PERMISSIONS = "Limit to these permissions of the account; null: no limit."


class ServiceAccountSerializer(serializers.ModelSerializer[ServiceAccount]):
    """A service account."""

    id = serializers.IntegerField(source="user_id", read_only=True, help_text="Also its id as a user.")
    name = serializers.CharField(read_only=True)
    owner = serializers.IntegerField(source="owner_id", read_only=True, allow_null=True, help_text=OWNER)
    is_active = serializers.BooleanField(read_only=True)
    roles = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(source="user.created_at", read_only=True)
    last_used_at = serializers.SerializerMethodField()

    class Meta:
        model = ServiceAccount
        fields = ["id", "name", "description", "owner", "is_active", "roles", "created_at", "last_used_at"]
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_roles(self, account: Any) -> list[str]:
        """Return the names of its roles, in any scope; `/users/{id}/roles/` assigns them."""
        return sorted({assignment.role.name for assignment in account.user.live_assignments})

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_last_used_at(self, account: Any) -> str | None:
        """Return when one of its keys was last used, with a precision of five minutes."""
        return serializers.DateTimeField().to_representation(account.last_used_at) if account.last_used_at else None


class ServiceAccountCreateSerializer(serializers.Serializer[Any]):
    """A new service account."""

    name = serializers.CharField(max_length=LONGEST_NAME, validators=[validate_name])
    description = serializers.CharField(
        max_length=MAX_DESCRIPTION_LENGTH, required=False, allow_blank=True, help_text="What it is for."
    )
    owner = IdField(required=False, allow_null=True, help_text=OWNER)


class ServiceAccountChangeSerializer(serializers.Serializer[Any]):
    """Changes to a service account; omitted fields stay as they are."""

    name = serializers.CharField(max_length=LONGEST_NAME, validators=[validate_name], required=False)
    description = serializers.CharField(max_length=MAX_DESCRIPTION_LENGTH, required=False, allow_blank=True)
    owner = IdField(required=False, help_text="Id of the person responsible for it.")
    is_active = serializers.BooleanField(required=False, help_text="The keys of an inactive account are rejected.")


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    """An API key, without its secret."""

    permissions = serializers.ListField(
        child=serializers.CharField(), read_only=True, allow_null=True, help_text=PERMISSIONS
    )
    allowed_networks = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = ApiKey
        fields = [
            "id", "name", "prefix", "permissions", "allowed_networks", "created_at", "expires_at", "last_used_at",
        ]  # fmt: skip
        read_only_fields = fields


class CreatedKeySerializer(ApiKeySerializer):
    """A new API key."""

    key = serializers.SerializerMethodField()

    class Meta(ApiKeySerializer.Meta):
        fields = [*ApiKeySerializer.Meta.fields, "key"]
        read_only_fields = fields

    def get_key(self, row: ApiKey) -> str:
        """Return the whole key, for `Authorization: Bearer <key>`. No other response contains it."""
        return str(self.context["key"])


class ApiKeyCreateSerializer(serializers.Serializer[Any]):
    """A new API key."""

    name = serializers.CharField(max_length=100, help_text="Where it is used.")
    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="null: it does not expire.")
    permissions = codenames_field(required=False, allow_null=True, max_length=500, help_text=PERMISSIONS)
    allowed_networks = serializers.ListField(
        child=serializers.CharField(max_length=MAX_NETWORK_LENGTH),
        required=False,
        max_length=MAX_NETWORKS,
        help_text="IP addresses and networks from which it may be used, such as 192.0.2.0/24; empty: any.",
    )


class TokenRequestSerializer(serializers.Serializer[Any]):
    """A request to the token endpoint (RFC 6749 4.4.2)."""

    grant_type = serializers.CharField(max_length=100, help_text="`client_credentials`.")
    client_id = serializers.CharField(
        required=False, allow_blank=True, max_length=100, help_text="The key's prefix, or the id of the account."
    )
    client_secret = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="The whole key: `ffk_...`."
    )
    scope = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=1000,
        help_text="Must be empty: the token has the permissions of the key.",
    )


class IssuedTokenSerializer(serializers.Serializer[Any]):
    """An access token of a program."""

    access_token = serializers.CharField(read_only=True)
    token_type = serializers.CharField(read_only=True, default="Bearer")
    expires_in = serializers.IntegerField(read_only=True, help_text="Seconds.")


class TokenParameterSerializer(serializers.Serializer[Any]):
    """A token of any kind (RFC 7662 2.1, RFC 7009 2.1)."""

    token = serializers.CharField(
        max_length=MAX_TOKEN_LENGTH, help_text="An access token, a refresh token or an API key."
    )
    token_type_hint = serializers.CharField(
        required=False, allow_blank=True, max_length=100, help_text="Not needed: every kind is recognised."
    )


class IntrospectionSerializer(serializers.Serializer[Any]):
    """The state of a token. An inactive token has only `active`."""

    active = serializers.BooleanField()
    token_type = serializers.CharField(required=False, help_text="`Bearer` or `refresh_token`.")
    sub = serializers.CharField(required=False, help_text="The user's id.")
    username = serializers.CharField(required=False, help_text="E-mail address, or name of a service account.")
    scope = serializers.CharField(required=False, help_text="Permissions, separated by spaces.")
    client_id = serializers.CharField(required=False, help_text="Prefix of the API key, for programs.")
    exp = serializers.IntegerField(required=False, help_text="Unix time.")
    iat = serializers.IntegerField(required=False, help_text="Unix time.")
    iss = serializers.CharField(required=False)
    aud = serializers.CharField(required=False)
    jti = serializers.CharField(required=False)
    sid = serializers.CharField(required=False, help_text="Id of the session, or of the API key.")
    allowed_networks = serializers.ListField(child=serializers.CharField(), required=False)
