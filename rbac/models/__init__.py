"""Roles, permissions, assignments, scopes and their history."""

from rbac.models.roles import (
    CODENAME_SEPARATOR,
    Declaration,
    Role,
    RoleAssignment,
    RoleAssignmentQuerySet,
    RoleInclusion,
    RoleManager,
    RoleRevision,
    UserStatus,
    permissions_matching,
    resource_permissions,
)
from rbac.models.scopes import LONGEST_IDENTIFIER, LONGEST_NAME, Scope, ScopedQuerySet, ScopeMembership

__all__ = [
    "CODENAME_SEPARATOR",
    "LONGEST_IDENTIFIER",
    "LONGEST_NAME",
    "Declaration",
    "Role",
    "RoleAssignment",
    "RoleAssignmentQuerySet",
    "RoleInclusion",
    "RoleManager",
    "RoleRevision",
    "Scope",
    "ScopeMembership",
    "ScopedQuerySet",
    "UserStatus",
    "permissions_matching",
    "resource_permissions",
]
