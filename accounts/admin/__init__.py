"""Accounts in Django's admin: changes go through the services, history is read-only."""

from accounts.admin import programs, resets, sessions, users

__all__ = ["programs", "resets", "sessions", "users"]
