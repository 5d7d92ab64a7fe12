"""Build the SQL of a frequent statement once: building it by the ORM takes longer than executing it.

    _OF_DAY = Compiled(lambda day: Delivery.objects.filter(day=day).select_related("truck"), day=datetime)
    deliveries = _OF_DAY.rows(day=now)

A statement is built with sample values, which are then replaced by those of each call.
"""

import re
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper
from django.db.models import Model, QuerySet

_PLACEHOLDERS = re.compile("%%|%s")


@dataclass(frozen=True)
class _Statement:
    """The SQL of a queryset.

    places: the positions of each value among the parameters. converters: those of the columns, by position.
    """

    queryset: QuerySet[Any]
    compiler: Any
    sql: str
    parameters: tuple[Any, ...]
    places: dict[str, list[int]]
    converters: dict[int, Any]


class Compiled:
    """A queryset with values that differ from call to call.

    build: returns the queryset for values given by name; one may be its limit, as in `[:limit]`. kinds: the type of
    each value (datetime, str or int), or `[int] * 20` for a list of at most 20. The SQL must not depend on the values.
    Where statements are prepared, it contains the constants: with parameters instead, a plan for all values could not
    use a partial index.
    """

    def __init__(self, build: Callable[..., QuerySet[Any]], **kinds: Any) -> None:
        self._build, self._kinds = build, kinds
        self._statements: dict[str, _Statement] = {}

    def rows(self, **values: Any) -> list[Any]:
        """Execute the statement with these values. A shorter list is padded with its last value."""
        statement, compiler, parameters = self._bound(values)
        compiler.execute_sql = lambda *_, **__: [_execute(compiler.connection, statement.sql, parameters)]
        compiler.get_converters = lambda _: statement.converters
        queryset = statement.queryset.all()
        queryset.query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]
        return list(queryset)

    def tuples(self, **values: Any) -> list[Sequence[Any]]:
        """Execute the statement as `rows` does, and return the selected columns of each row instead of instances."""
        statement, compiler, parameters = self._bound(values)
        found = _execute(compiler.connection, statement.sql, parameters)
        return list(compiler.apply_converters(found, statement.converters)) if statement.converters else found

    def _bound(self, values: dict[str, Any]) -> tuple[_Statement, Any, tuple[Any, ...]]:
        """Return the statement, a compiler for the connection of this thread, and the parameters for these values."""
        connection = connections[DEFAULT_DB_ALIAS]
        statement = self._statements.get(connection.vendor) or self._compile(connection)
        parameters = list(statement.parameters)
        for name, value in values.items():
            places = statement.places[name]
            given = [*value, *value[-1:] * (len(places) - len(value))] if isinstance(value, list) else [value]
            for place, one in zip(places, given * (len(places) // len(given)), strict=True):
                parameters[place] = _adapted(one, connection)
        compiler = copy(statement.compiler)
        compiler.connection = connection
        return statement, compiler, tuple(parameters)

    def _compile(self, connection: Any) -> _Statement:
        samples = {name: _samples(kind, number) for number, (name, kind) in enumerate(self._kinds.items())}
        queryset = self._build(**samples)
        compiler = queryset.query.get_compiler(using=DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        sql, parameters = _with_limit(sql, parameters, queryset.query.high_mark, samples)
        places = {name: _places(sample, parameters, connection) for name, sample in samples.items()}
        if hasattr(connection, "prepared_cursor"):
            sql, parameters, places = _with_constants(sql, parameters, places, connection)
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        statement = _Statement(queryset, compiler, sql, parameters, places, converters)
        self._statements[connection.vendor] = statement
        return statement


def insert(row: Model) -> None:
    """Insert a new row as `save(force_insert=True)` does, without signals and without reading its generated id.

    The ORM would build the statement each time, which is a quarter of the time that queueing a message takes.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    sql, fields = _insertion(type(row), connection.vendor)
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    with _cursor(connection) as cursor:
        cursor.execute(sql, values)
    row._state.adding, row._state.db = False, connection.alias


@cache
def _insertion(model: type[Model], vendor: str) -> tuple[str, Sequence[Any]]:
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    meta = model._meta
    fields = [field for field in meta.concrete_fields if field is not meta.auto_field and not field.generated]
    columns = ", ".join(quote(str(field.column)) for field in fields)
    sql = f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES ({', '.join(['%s'] * len(fields))})"  # noqa: S608
    return sql, fields


def _cursor(connection: Any) -> CursorWrapper:
    """Return a cursor that prepares statements, if the database supports it."""
    cursor: CursorWrapper = getattr(connection, "prepared_cursor", connection.cursor)()
    return cursor


def _execute(connection: Any, sql: str, parameters: Sequence[Any]) -> list[Sequence[Any]]:
    with _cursor(connection) as cursor:
        cursor.execute(sql, parameters)
        found: list[Sequence[Any]] = cursor.fetchall()
    return found


def _with_limit(
    sql: str, parameters: Sequence[Any], limit: Any, samples: dict[str, Any]
) -> tuple[str, tuple[Any, ...]]:
    """Make the limit a parameter, if it is one of the values: Django writes it into the SQL."""
    if limit not in samples.values():
        return sql, tuple(parameters)
    before, after = sql.rsplit(f"LIMIT {limit}", 1)
    place = _PLACEHOLDERS.findall(before).count("%s")
    return f"{before}LIMIT %s{after}", (*parameters[:place], limit, *parameters[place:])


def _with_constants(
    sql: str, parameters: Sequence[Any], places: dict[str, list[int]], connection: Any
) -> tuple[str, tuple[Any, ...], dict[str, list[int]]]:
    """Write the parameters that are no values into the SQL; return it, the other parameters and their places."""
    variable = sorted(place for of_value in places.values() for place in of_value)
    number = count()

    def written(found: re.Match[str]) -> str:
        if found[0] == "%%" or (place := next(number)) in variable:
            return found[0]
        literal: str = connection.ops.compose_sql("%s", [parameters[place]])
        return literal.replace("%", "%%")

    moved = {name: [variable.index(place) for place in of_value] for name, of_value in places.items()}
    return _PLACEHOLDERS.sub(written, sql), tuple(parameters[place] for place in variable), moved


def _samples(kind: Any, number: int) -> Any:
    if isinstance(kind, list):
        return [_sample(one, 1000 * (number + 1) + place) for place, one in enumerate(kind)]
    return _sample(kind, number)


def _sample(kind: type, number: int) -> Any:
    """Return a value that no statement contains otherwise."""
    if kind is datetime:
        return datetime(1000, 1, 1, tzinfo=UTC) + timedelta(number)
    return 10**15 + number if kind is int else f"sample {number}"


def _places(sample: Any, parameters: Sequence[Any], connection: Any) -> list[int]:
    wanted = [_adapted(one, connection) for one in (sample if isinstance(sample, list) else [sample])]
    found = [place for one in wanted for place, parameter in enumerate(parameters) if parameter == one]
    if len(found) < len(wanted):
        raise LookupError(f"{sample} is no parameter of this statement")
    return found


def _adapted(value: Any, connection: Any) -> Any:
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
