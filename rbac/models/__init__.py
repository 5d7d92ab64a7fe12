"""Roles, permissions, assignments, scopes and their history."""

from rbac.models.roles import (
    LABEL_SEPARATOR,
    Declaration,
    Role,
    RoleAssignment,
    RoleAssignmentQuerySet,
    RoleInclusion,
    RoleManager,
    RoleRevision,
    UserStatus,
    labelled_permissions,
    permissions_matching,
)
from rbac.models.scopes import LONGEST_IDENTIFIER, LONGEST_NAME, Scope, ScopedQuerySet, ScopeMembership

__all__ = [
    "LABEL_SEPARATOR",
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
    "labelled_permissions",
    "permissions_matching",
]
