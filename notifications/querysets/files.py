"""Queries of files that are kept in the database."""

from typing import Any

from django.db import models


class StoredFileQuerySet(models.QuerySet[Any]):
    """Files."""

    def content_of(self, name: str) -> bytes | None:
        """The bytes of one, or None where there is none of this name."""
        content = self.filter(name=name).values_list("content", flat=True).first()
        return None if content is None else bytes(content)

    def names_below(self, folder: str) -> list[str]:
        """The names that begin so."""
        return list(self.filter(name__startswith=folder).values_list("name", flat=True))
