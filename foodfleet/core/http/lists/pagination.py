"""Keyset pagination: all pages cost the same, and added or deleted rows do not shift pages.

A cursor contains the values of the last row in the ordering, so that the next page is one range of an index.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Model, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from foodfleet.core.database.compiled import Compiled
from foodfleet.core.database.keyset import beyond
from foodfleet.core.exceptions import MalformedRequestException, ValidationException

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
MAX_CURSOR_LENGTH = 2000
PARAMETERS = frozenset({"cursor", "page_size", "ordering"})
MOST_FORMS = 100  # statements cached for one list: one for each page size and ordering in use


class KeysetPagination(BasePagination):
    """`{"next", "previous", "results"}`, with `?page_size=` (1..100), `?ordering=` and `?cursor=`.

    A view lists the permitted fields in `ordering_fields`, and the default in `ordering` (a field name, with `-` for
    descending). Each field needs an index together with the primary key, and must not be NULL.
    Raises MalformedRequestException for an invalid cursor, ValidationException for an invalid size or ordering.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        wanted = requested_page(request, view, queryset.model)
        self._page = wanted.page_of(list(wanted.form.page_of(queryset, wanted.position)))
        return self._page.rows

    def check(self, request: Request, view: Any, model: type[Model]) -> None:
        """Refuse wrong parameters, without a page."""
        requested_page(request, view, model)

    def get_paginated_response(self, data: Any) -> Response:
        return Response(self._page.content(data))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        fields = [name for field in getattr(view, "ordering_fields", ()) for name in (field, f"-{field}")]
        size = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE}
        parameters = [
            {
                "name": "cursor",
                "in": "query",
                "schema": {"type": "string", "format": "cursor", "maxLength": MAX_CURSOR_LENGTH},
                "description": "From `next` or `previous`, for the same `ordering`.",
            },
            {"name": "page_size", "in": "query", "schema": size},
        ]
        if fields:
            parameters.append({"name": "ordering", "in": "query", "schema": {"type": "string", "enum": fields}})
        return parameters


@dataclass(frozen=True)
class _Form:
    """All that the SQL of a page depends on. kinds: the types of the cursor's values, none for the first page."""

    ordering: str
    size: int
    backwards: bool
    kinds: tuple[type, ...]

    def page_of(self, queryset: QuerySet[Any], position: Sequence[Any]) -> QuerySet[Any]:
        """Return the rows after `position` and, to see whether there are more, one row more."""
        names = _names(self.ordering)
        ascending = not self.ordering.startswith("-") ^ self.backwards
        if position:
            queryset = queryset.filter(beyond(names, position, ascending))
        prefix = "" if ascending else "-"
        return queryset.order_by(*(f"{prefix}{name}" for name in names))[: self.size + 1]


@dataclass(frozen=True)
class Page:
    """The rows of a page, and the links to its neighbours."""

    rows: list[Any]
    next: str | None
    previous: str | None

    def content(self, results: Any) -> dict[str, Any]:
        """Return the content of the response. results: the rows as JSON shows them."""
        return {"next": self.next, "previous": self.previous, "results": results}


@dataclass(frozen=True)
class RequestedPage:
    """The page that a call asks for. position: the values of its cursor. url: the call's, for links to other pages."""

    form: _Form
    position: Sequence[Any]
    url: str

    def page_of(self, found: list[Any]) -> Page:
        """Return the page of the rows of its statement, which returns one row more if another page follows."""
        size, backwards, is_first = self.form.size, self.form.backwards, not self.position
        more, rows = len(found) > size, found[:size]
        if backwards:
            rows.reverse()
        has_next = bool(rows) and (more or backwards)
        has_previous = bool(rows) and not is_first and (more or not backwards)
        return Page(
            rows,
            next=self._link(rows[-1], backwards=False) if has_next else None,
            previous=self._link(rows[0], backwards=True) if has_previous else None,
        )

    def _link(self, row: Any, *, backwards: bool) -> str:
        ordering = self.form.ordering
        cursor = _write_cursor(ordering, [getattr(row, name) for name in _names(ordering)], backwards)
        return str(replace_query_param(self.url, "cursor", cursor))


def requested_page(request: Request, view: Any, model: type[Model]) -> RequestedPage:
    """Return the page of the list of `model` that the call asks for. Raises as `KeysetPagination`."""
    size = _page_size(request.query_params.get("page_size"))
    ordering = _ordering(request.query_params.get("ordering"), view)
    position = _read_cursor(request.query_params.get("cursor"), ordering, model, _names(ordering))
    values = position.values if position else ()
    form = _Form(ordering, size, bool(position and position.backwards), tuple(map(type, values)))
    return RequestedPage(form, values, request.build_absolute_uri())


class CompiledPages:
    """The pages of a list without filters. The statement of each form is built once (`core.database.compiled`).

    build, kinds: as for `Compiled`. row: converts the selected columns into a row. The fields of the ordering must be
    texts, numbers or times.
    """

    def __init__(self, build: Callable[..., QuerySet[Any]], row: Callable[[Any], Any], **kinds: Any) -> None:
        self._build, self._row, self._kinds = build, row, kinds
        self._statement = lru_cache(MOST_FORMS)(self._compiled)

    def page(self, wanted: RequestedPage, **values: Any) -> Page:
        """Return the requested page. values: the parameters of the statement."""
        found = self._statement(wanted.form).tuples(**values, **_named(wanted.position))
        return wanted.page_of([self._row(one) for one in found])

    def _compiled(self, form: _Form) -> Compiled:
        def build(**values: Any) -> QuerySet[Any]:
            position = [values.pop(name) for name in _named(form.kinds)]
            return form.page_of(self._build(**values), position)

        return Compiled(build, **self._kinds, **_named(form.kinds))


def _named(values: Sequence[Any]) -> dict[str, Any]:
    return {f"position_{number}": value for number, value in enumerate(values)}


class _Position:
    """The position of a cursor: the values of its row in the ordering, and the direction."""

    def __init__(self, values: Sequence[Any], backwards: bool) -> None:
        self.values = values
        self.backwards = backwards


def _names(ordering: str) -> list[str]:
    """Return the fields of an ordering, of which the last is unique."""
    name = ordering.lstrip("-")
    return ["pk"] if name in {"id", "pk"} else [name, "pk"]


def _page_size(requested: str | None) -> int:
    if requested is None:
        return DEFAULT_PAGE_SIZE
    if not (
        requested.isascii() and requested.isdigit() and len(requested) < 6 and 1 <= int(requested) <= MAX_PAGE_SIZE
    ):
        message = _("Give a number from 1 to %(maximum)s.") % {"maximum": MAX_PAGE_SIZE}
        raise ValidationException.for_field("page_size", message, "invalid")
    return int(requested)


def _ordering(requested: str | None, view: Any) -> str:
    default: str = getattr(view, "ordering", "-pk")
    if requested is None:
        return default
    allowed = getattr(view, "ordering_fields", ())
    if requested.removeprefix("-") not in allowed:
        message = _("Give one of %(fields)s, with - in front for descending.") % {"fields": ", ".join(allowed)}
        raise ValidationException.for_field("ordering", message, "invalid_choice")
    return requested


def _write_cursor(ordering: str, values: Sequence[Any], backwards: bool) -> str:
    plain = [value.isoformat() if isinstance(value, date) else _plain(value) for value in values]
    text = json.dumps([ordering, int(backwards), *plain], separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _read_cursor(cursor: str | None, ordering: str, model: type[Model], names: Sequence[str]) -> _Position | None:
    if not cursor:
        return None
    problem = MalformedRequestException(_("This cursor is not one of ours."), details={"parameter": "cursor"})
    if len(cursor) > MAX_CURSOR_LENGTH:
        raise problem
    try:
        written = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        made_for, backwards, *values = written
        if made_for != ordering or len(values) != len(names) or backwards not in (0, 1):
            raise problem
        return _Position(
            [_parsed(model, name, value) for name, value in zip(names, values, strict=True)], bool(backwards)
        )
    except (ValueError, TypeError, ValidationError, FieldDoesNotExist, OverflowError, RecursionError):
        raise problem from None


def _parsed(model: type[Model], name: str, value: Any) -> Any:
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    if isinstance(value, (dict, list)) or value is None or (isinstance(value, str) and "\x00" in value):
        raise ValueError(name)
    assert field is not None
    parsed = field.to_python(value)  # type: ignore[union-attr]
    if isinstance(parsed, int) and abs(parsed) >= 2**63:
        raise ValueError(name)
    if isinstance(parsed, datetime):
        if parse_datetime(str(value)) is None or parsed.tzinfo is None:
            raise ValueError(name)
        return parsed.astimezone(UTC)  # OverflowError: beyond the years that databases support
    return parsed
