"""Queries of notifications, by name, a module for each subject."""

from notifications.querysets.messages import MessageQuerySet

__all__ = ["MessageQuerySet"]
