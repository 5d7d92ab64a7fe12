"""Serializers of roles, permissions, assignments and scopes."""

from typing import Any, ClassVar

from django.contrib.auth.models import Permission
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from foodfleet.core.http import serializers
from foodfleet.core.models import LARGEST_ID
from rbac.models import (
    CODENAME_SEPARATOR,
    LONGEST_IDENTIFIER,
    LONGEST_NAME,
    Role,
    RoleAssignment,
    RoleRevision,
    Scope,
    ScopeMembership,
)
from rbac.services.assignments import KEY, KIND, SCOPE
from rbac.services.custom_permissions import WORD
from rbac.services.graph import Graph

CODENAME_LENGTH = 100
MAX_CODENAMES = 500
MAX_CHECKS = 100


class IdField(serializers.IntegerField):
    """The id of a row."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=LARGEST_ID, **kwargs)


class ScopeField(serializers.CharField):
    """A scope such as `fleet:12`; null or empty means everywhere."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("help_text", "A kind and an id, such as fleet:12; null: everywhere.")
        # Not trimmed, because spaces must not mean everywhere.
        super().__init__(
            max_length=CODENAME_LENGTH,
            allow_blank=True,
            allow_null=True,
            trim_whitespace=False,
            validators=[RegexValidator(rf"^{SCOPE.pattern}\Z", _("Give a kind and an id, such as fleet:12."))],
            **kwargs,
        )

    def to_representation(self, value: str) -> str | None:  # type: ignore[override]
        return value or None


def codenames_field(**kwargs: Any) -> serializers.ListField:
    """Return a field for a list of codenames."""
    return serializers.ListField(child=serializers.CharField(max_length=CODENAME_LENGTH), **kwargs)


class RoleSerializer(serializers.ModelSerializer[Role]):
    """A role. The context needs the graph of roles under `roles`."""

    permissions = serializers.SerializerMethodField(help_text="Codenames of its own permissions.")
    includes = serializers.SerializerMethodField(help_text="Ids of the roles that it includes.")
    users_count = serializers.SerializerMethodField(help_text="How many users hold it now.")

    class Meta:
        model = Role
        fields = [
            "id", "name", "description", "permissions", "includes", "requires_2fa", "forbids_sms_code",
            "is_system", "users_count", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_permissions(self, role: Role) -> list[str]:
        roles: Graph = self.context["roles"]
        return sorted(codename for codename in roles.roles[role.pk].own if CODENAME_SEPARATOR in codename)

    def get_includes(self, role: Role) -> list[int]:
        roles: Graph = self.context["roles"]
        return sorted(roles.roles[role.pk].includes)

    def get_users_count(self, role: Role) -> int:
        return int(getattr(role, "users_count", 0))


class RoleEditSerializer(serializers.Serializer[Any]):
    """Changes of a role."""

    name = serializers.CharField(max_length=150, required=False)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    permissions = codenames_field(required=False, max_length=MAX_CODENAMES)
    includes = serializers.ListField(child=IdField(), required=False, max_length=MAX_CODENAMES)
    requires_2fa = serializers.BooleanField(required=False)
    forbids_sms_code = serializers.BooleanField(
        required=False, help_text="Its holders cannot use codes by text message."
    )


class RoleCreateSerializer(RoleEditSerializer):
    """A new role."""

    name = serializers.CharField(max_length=150)


class PreviewInSerializer(serializers.Serializer[Any]):
    """The codenames that a role would have."""

    permissions = codenames_field(max_length=MAX_CODENAMES)


class ExampleSerializer(serializers.Serializer[Any]):
    """A user, as an example."""

    id = serializers.IntegerField(source="pk", read_only=True)
    email = serializers.EmailField(read_only=True)


class EffectSerializer(serializers.Serializer[Any]):
    """A codename that users would gain or lose."""

    permission = serializers.CharField(read_only=True)
    users = serializers.IntegerField(read_only=True)
    examples = ExampleSerializer(many=True, read_only=True)


class PreviewSerializer(serializers.Serializer[Any]):
    """The permissions that the role's holders would gain and lose."""

    gained = EffectSerializer(many=True, read_only=True)
    lost = EffectSerializer(many=True, read_only=True)


class PermissionSerializer(serializers.ModelSerializer[Permission]):
    """A permission."""

    resource = serializers.SerializerMethodField()
    action = serializers.SerializerMethodField()
    label = serializers.CharField(source="codename", read_only=True)  # type: ignore[assignment]
    description = serializers.CharField(source="name", read_only=True)

    class Meta:
        model = Permission
        fields = ["id", "resource", "action", "label", "description"]
        read_only_fields = fields

    def get_resource(self, permission: Permission) -> str:
        return permission.codename.partition(CODENAME_SEPARATOR)[0]

    def get_action(self, permission: Permission) -> str:
        return permission.codename.partition(CODENAME_SEPARATOR)[2]


class WordField(serializers.CharField):
    """The name of a resource or an action; services.custom_permissions validates it."""

    schema: ClassVar[dict[str, Any]] = {"pattern": f"^{WORD.pattern}$"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=CODENAME_LENGTH, **kwargs)


class PermissionCreateSerializer(serializers.Serializer[Any]):
    """A new permission."""

    resource = WordField()
    action = WordField()
    description = serializers.CharField(max_length=255, required=False, allow_blank=True, default="")


class CheckInSerializer(serializers.Serializer[Any]):
    """The permissions to check, and the user; without one, the caller."""

    permissions = codenames_field(min_length=1, max_length=MAX_CHECKS)
    user = IdField(required=False, allow_null=True)
    scope = ScopeField()


class CheckSerializer(serializers.Serializer[Any]):
    """The result for each codename."""

    results = serializers.DictField(child=serializers.BooleanField(), read_only=True)


class ExplainInSerializer(serializers.Serializer[Any]):
    """The user, permission, scope and time to explain; the default is now."""

    user = IdField()
    permission = serializers.CharField(max_length=CODENAME_LENGTH)
    scope = ScopeField()
    at = serializers.DateTimeField(required=False)


class ReasonSerializer(serializers.Serializer[Any]):
    """One assignment that gives the permission."""

    role = serializers.CharField(read_only=True)
    role_id = serializers.IntegerField(source="assignment.role_id", read_only=True)
    path = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="From the user's role to the included role that has it.",
    )
    scope = ScopeField(source="assignment.scope", read_only=True)
    expires_at = serializers.DateTimeField(source="assignment.expires_at", read_only=True, allow_null=True)
    granted_at = serializers.DateTimeField(source="assignment.granted_at", read_only=True)
    granted_by = serializers.CharField(read_only=True, allow_null=True, help_text="Null: the system itself.")
    permission_since = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Since when the last role of the path has the permission."
    )
    permission_by = serializers.CharField(
        read_only=True, allow_null=True, help_text="Who added it to that role. Null: the system itself."
    )


class MissingSerializer(serializers.Serializer[Any]):
    """Why the user does not have the permission."""

    permission = serializers.CharField(read_only=True)
    known = serializers.BooleanField(read_only=True, help_text="Whether the permission exists.")
    is_active = serializers.BooleanField(read_only=True)
    roles = serializers.ListField(child=serializers.CharField(), read_only=True, help_text="Roles that have it.")
    elsewhere = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Scopes in which the user has it."
    )
    expired = serializers.DateTimeField(read_only=True, allow_null=True, help_text="When the user last had it.")


class ExplanationSerializer(serializers.Serializer[Any]):
    """Why the user has the permission or does not have it."""

    allowed = serializers.BooleanField(read_only=True)
    superuser = serializers.BooleanField(read_only=True)
    because = ReasonSerializer(many=True, read_only=True)
    missing = MissingSerializer(read_only=True, allow_null=True)
    at = serializers.DateTimeField(read_only=True)


class AssignmentSerializer(serializers.ModelSerializer[RoleAssignment]):
    """A role that a user holds."""

    role = serializers.IntegerField(source="role_id", read_only=True)
    role_name = serializers.CharField(source="role.name", read_only=True)
    scope = ScopeField(read_only=True)
    granted_by = serializers.IntegerField(source="granted_by_id", read_only=True, allow_null=True)

    class Meta:
        model = RoleAssignment
        fields = ["id", "role", "role_name", "scope", "granted_at", "granted_by", "expires_at"]
        read_only_fields = fields


class AssignmentCreateSerializer(serializers.Serializer[Any]):
    """A role to assign."""

    role = IdField()
    scope = ScopeField()
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class ScopeSerializer(serializers.ModelSerializer[Scope]):
    """A scope. Assignments and checks refer to it by `kind:key`."""

    scope = serializers.CharField(
        source="identifier", read_only=True, help_text="`kind:key`, by which assignments and checks refer to it."
    )
    parent = serializers.IntegerField(  # type: ignore[assignment]
        source="parent_id",
        read_only=True,
        allow_null=True,
        help_text="Id of the scope above it, whose roles apply too.",
    )

    class Meta:
        model = Scope
        fields = ["id", "kind", "key", "scope", "name", "parent", "created_at"]
        read_only_fields = fields


class PatternField(serializers.CharField):
    """A text with a pattern in the OpenAPI document; services.scopes validates it."""

    def __init__(self, pattern: str, **kwargs: Any) -> None:
        self.schema = {"pattern": f"^{pattern}$"}  # type: ignore[misc]
        super().__init__(max_length=LONGEST_IDENTIFIER, **kwargs)


class ScopeEditSerializer(serializers.Serializer[Any]):
    """Changes of a scope; omitted fields stay as they are. The kind and key cannot change."""

    kind = PatternField(KIND.pattern, required=False)
    key = PatternField(KEY.pattern, required=False)
    name = serializers.CharField(max_length=LONGEST_NAME, required=False, allow_blank=True)
    parent = IdField(  # type: ignore[assignment]
        required=False, allow_null=True, help_text="Id of a scope; null: none."
    )


class ScopeCreateSerializer(ScopeEditSerializer):
    """A new scope."""

    kind = PatternField(KIND.pattern, help_text="Such as fleet.")
    key = PatternField(KEY.pattern, help_text="Such as 12.")


class MemberSerializer(serializers.ModelSerializer[ScopeMembership]):
    """A member of a scope."""

    user = serializers.IntegerField(source="user_id", read_only=True)
    email = serializers.EmailField(source="user.email", read_only=True)
    added_by = serializers.IntegerField(source="added_by_id", read_only=True, allow_null=True)

    class Meta:
        model = ScopeMembership
        fields = ["user", "email", "created_at", "added_by"]
        read_only_fields = fields


class MemberCreateSerializer(serializers.Serializer[Any]):
    """The user to add."""

    user = IdField()


class RoleRevisionSerializer(serializers.ModelSerializer[RoleRevision]):
    """The state of a role from `created_at` until its next revision."""

    permissions = codenames_field(read_only=True, help_text="Codenames of its own permissions.")
    includes = serializers.ListField(
        child=serializers.IntegerField(), source="included_roles", read_only=True, help_text="Ids of included roles."
    )
    created_by = serializers.IntegerField(
        source="created_by_id", read_only=True, allow_null=True, help_text="A user's id; null: the system."
    )

    class Meta:
        model = RoleRevision
        fields = [
            "name", "permissions", "includes", "requires_2fa", "forbids_sms_code", "is_deleted", "created_at",
            "created_by",
        ]  # fmt: skip
        read_only_fields = fields
