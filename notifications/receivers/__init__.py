"""What happened -> what is said to whom: a module for each subject, all registered by importing this package."""

from notifications.receivers import dispatch, registration, templates

__all__ = ["dispatch", "registration", "templates"]
