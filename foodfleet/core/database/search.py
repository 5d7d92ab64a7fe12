"""Search in Python, for tables of few rows."""

from typing import Any, TypeVar

from django.db import models

from foodfleet.core.typed_text import searchable, searched_words

Rows = TypeVar("Rows", bound=models.QuerySet[Any])


def matching(rows: Rows, text: str, *fields: str) -> Rows:
    """Return the rows whose `fields` together contain each word of `text`, in any spelling; reads all rows."""
    words = searched_words(text)
    found = rows.values_list("pk", *fields)
    return rows.filter(pk__in=[pk for pk, *texts in found if all(word in searchable(*texts) for word in words)])
