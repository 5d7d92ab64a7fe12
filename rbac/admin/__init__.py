"""Roles, permissions, assignments and scopes in Django's admin."""

from rbac.admin import assignments, roles, scopes

__all__ = ["assignments", "roles", "scopes"]
