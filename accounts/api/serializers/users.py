"""Serializers of users: for themselves and for staff."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from drf_spectacular.utils import extend_schema_field

from accounts.api.serializers.fields import (
    AttributesField,
    EmailField,
    FrontendSerializer,
    NameField,
    PasswordField,
    PhoneField,
)
from accounts.models import User
from accounts.services.account import profile
from accounts.states import Audience
from foodfleet.core.http import serializers
from rbac.api.serializers import ScopeField
from rbac.services import decisions
from rbac.services import users as role_holders


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


class ScopeAccessSerializer(serializers.Serializer[Any]):
    """The caller's roles in one scope, and the permissions that they give there and in the scopes below it."""

    scope = ScopeField(read_only=True, help_text="Such as fleet:12; null: everywhere.")
    roles = serializers.ListField(child=serializers.CharField(), read_only=True)
    permissions = serializers.ListField(child=serializers.CharField(), read_only=True)


class MeSerializer(UserSerializer):
    """The caller, with roles and permissions; names, language and some attributes can be changed."""

    attributes = AttributesField(Audience.OWNER, required=False)

    roles = serializers.SerializerMethodField()
    permissions = serializers.SerializerMethodField()
    access = serializers.SerializerMethodField()
    language = serializers.ChoiceField(choices=settings.LANGUAGES, required=False, allow_blank=True)

    class Meta(UserSerializer.Meta):
        fields = [*UserSerializer.Meta.fields, "roles", "permissions", "access", "deletion_due_at"]
        read_only_fields = [name for name in fields if name not in profile.FIELDS]

    def get_roles(self, user: User | AnonymousUser) -> list[str]:
        """Return the names of the user's roles, in any scope."""
        return decisions.roles_of(user)

    def get_permissions(self, user: User | AnonymousUser) -> list[str]:
        """Return the user's permissions without a scope, as `resource:action`."""
        return sorted(decisions.codenames_of(user))

    @extend_schema_field(ScopeAccessSerializer(many=True))
    def get_access(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        """Return the user's roles and their permissions by scope."""
        return [vars(one) for one in decisions.by_scope(user)]


class DeletionSerializer(serializers.Serializer[Any]):
    """The planned deletion of an account."""

    deleted_at = serializers.DateTimeField(read_only=True, help_text="When the account is deleted.")


class DirectoryUserSerializer(UserSerializer):
    """A user, with the fields for staff.

    Instances need `locked_until` and `role_ids`, and the context the `roles` of `graph.latest`.
    """

    phone_verified = serializers.SerializerMethodField()
    locked = serializers.BooleanField(source="is_locked", read_only=True)
    roles = serializers.SerializerMethodField()
    attributes = AttributesField(Audience.STAFF, read_only=True)

    class Meta(UserSerializer.Meta):
        fields = [
            *UserSerializer.Meta.fields, "is_superuser", "is_service_account", "phone_verified", "locked",
            "must_change_password", "roles", "last_login", "invited_at", "deletion_due_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_phone_verified(self, user: User) -> bool:
        """Return whether the phone number is confirmed."""
        return user.phone_verified_at is not None

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_roles(self, user: Any) -> list[str]:
        """Return the names of the user's roles, in any scope."""
        return role_holders.role_names(user.role_ids, self.context["roles"])


class StaffUserSerializer(FrontendSerializer):
    """The fields that staff set when they create or change a user."""

    first_name = NameField()
    last_name = NameField()
    phone = PhoneField(required=False, allow_blank=True)
    language = serializers.ChoiceField(choices=settings.LANGUAGES, required=False, allow_blank=True)
    must_change_password = serializers.BooleanField(required=False)
    attributes = AttributesField(Audience.STAFF, required=False)


class UserChangeSerializer(StaffUserSerializer):
    """Changes to a user; omitted fields stay as they are."""

    email = EmailField(required=False)
    is_active = serializers.BooleanField(required=False)
    is_staff = serializers.BooleanField(required=False, help_text="Only superusers may change this.")
    is_superuser = serializers.BooleanField(required=False, help_text="Only superusers may change this.")


class UserCreateSerializer(StaffUserSerializer):
    """A new user; without a password they are invited to choose one."""

    email = EmailField()
    password = PasswordField(required=False, allow_blank=True)
    is_staff = serializers.BooleanField(required=False, help_text="Only superusers may set this.")
    is_superuser = serializers.BooleanField(required=False, help_text="Only superusers may set this.")


class LockSerializer(serializers.Serializer[Any]):
    """The reason for locking an account."""

    reason = serializers.CharField(
        required=False, allow_blank=True, max_length=500, help_text="Recorded with the security event."
    )


class StaffPasswordSerializer(serializers.Serializer[Any]):
    """A new password for a user; null disables the password."""

    password = PasswordField(allow_null=True)
