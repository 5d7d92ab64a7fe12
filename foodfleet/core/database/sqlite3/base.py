"""The database backend: ENGINE "foodfleet.core.database.sqlite3"."""

from django.db.backends.sqlite3 import base

from foodfleet.core.database.commits import AnnouncedCommits


class DatabaseWrapper(AnnouncedCommits, base.DatabaseWrapper):
    """Django's own, whose commits are announced."""
