"""The admin of roles, permissions, assignments and scopes."""

from rbac.admin import assignments, roles, scopes

__all__ = ["assignments", "roles", "scopes"]
