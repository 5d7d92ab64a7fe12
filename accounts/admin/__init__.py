"""Accounts in Django's admin: changes go through the services, history is read-only."""

from accounts.admin import home, programs, resets, sessions, users

__all__ = ["home", "programs", "resets", "sessions", "users"]
