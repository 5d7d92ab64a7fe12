"""Accounts in Django's admin: what staff change goes through the services, what is history is shown alone."""

from accounts.admin import resets, sessions, users

__all__ = ["resets", "sessions", "users"]
