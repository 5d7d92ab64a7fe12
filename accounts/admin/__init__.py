"""Accounts in Django's admin: changes go through the services, history is read-only."""

from accounts.admin import resets, sessions, users

__all__ = ["resets", "sessions", "users"]
