"""Accounts in Django's admin: changes go through the services, history is read-only."""

from accounts.admin import events, home, programs, resets, sessions, users

__all__ = ["events", "home", "programs", "resets", "sessions", "users"]
