"""Stream lists as CSV, so that memory does not grow with the list."""

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import BaseRenderer, JSONRenderer

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # OWASP: CSV injection


FORMAT = OpenApiParameter("format", OpenApiTypes.STR, enum=["json", "csv"])


class CSVRenderer(BaseRenderer):
    """A renderer that only makes `?format=csv` and `Accept: text/csv` acceptable; the view uses `csv_response`."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"


class CSVExportMixin:
    """A mixin for lists that can be downloaded as CSV. Other actions of a viewset stay JSON.

    A download has all rows in an order of its own. OpenAPI cannot say that a parameter is for JSON alone, so wrong
    parameters of pages are refused as in the list.
    """

    def get_renderers(self) -> list[BaseRenderer]:
        """Return the renderers of the requested action."""
        is_list = getattr(self, "action", "list") == "list"  # a view that is no viewset has no actions
        return [JSONRenderer(), CSVRenderer()] if is_list else [JSONRenderer()]

    def matching(self, queryset: Any) -> Any:
        """Return the rows of a download. Raises for wrong filters and parameters of pages."""
        view: Any = self
        found = view.filter_queryset(queryset)
        view.paginator.check(view.request, view, found.model)
        return found


def csv_response(filename: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """Return a streamed CSV download with a header line."""
    writer: Any = csv.writer(_Echo())
    lines = (writer.writerow([_safe(value) for value in row]) for row in chain([columns], rows))
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


class _Echo:
    """A file for csv.writer whose `write` returns the line instead of storing it."""

    def write(self, line: str) -> str:
        return line


def _safe(value: Any) -> Any:
    """Return the value of a cell, escaped so that a spreadsheet does not run it as a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
