"""The admin of accounts. Services make all changes, and history is read-only."""

from accounts.admin import events, home, programs, resets, sessions, users

__all__ = ["events", "home", "programs", "resets", "sessions", "users"]
