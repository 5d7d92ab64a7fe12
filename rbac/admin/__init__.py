"""Roles, permissions, assignments and scopes in Django's admin."""

from rbac.admin import roles, scopes

__all__ = ["roles", "scopes"]
