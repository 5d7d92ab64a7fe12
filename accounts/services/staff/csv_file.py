"""Read CSV files of users line by line and validate them.

Files are UTF-8, with or without a byte order mark; values are separated by commas. A record is always one line: values
cannot contain line breaks, so an unclosed quote invalidates only its own line.
"""

import csv
from collections.abc import Iterator
from typing import BinaryIO

from django.utils.translation import gettext as _

from accounts.services.staff import import_columns
from accounts.services.staff.import_columns import COLUMNS, Problem, Row
from foodfleet.core.exceptions import ValidationException

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
WHOLE_LINE = ""  # `Problem.field` of a problem with the whole line


def read(source: BinaryIO) -> Iterator[Row]:
    """Return an iterator over the validated lines below the header, without empty lines.

    source: a seekable file. Raises ValidationException for a file that is not UTF-8 or has no valid header.
    """
    _ensure_utf8(source)
    source.seek(0)
    first = source.readline()
    columns = _columns(first.removeprefix(BYTE_ORDER_MARK).decode())
    return _rows(source, columns)


def _ensure_utf8(source: BinaryIO) -> None:
    for number, line in enumerate(source, start=1):
        try:
            line.decode()
        except UnicodeDecodeError:
            raise _rejected(_("Line %(line)d is not UTF-8. Save the file as UTF-8.") % {"line": number}) from None


def _columns(header: str) -> list[str]:
    names = [name.strip().lower() for name in _split(header) or ()]
    if "email" not in names or len(set(names)) < len(names) or not all(map(import_columns.is_column, names)):
        expected = ", ".join(COLUMNS)
        message = _("The first line has to name the columns, with commas between: email and any of %(columns)s.")
        raise _rejected(message % {"columns": expected})
    return names


def _rejected(message: str) -> ValidationException:
    return ValidationException.for_field("file", message, "invalid_file")


def _rows(source: BinaryIO, columns: list[str]) -> Iterator[Row]:
    for number, line in enumerate(source, start=2):
        text = line.decode()
        if not text.strip():
            continue
        values = _split(text)
        if values is None or len(values) != len(columns):
            yield Row(number, len(line), problems=[Problem(number, WHOLE_LINE, _malformed(values, columns))])
        else:
            yield import_columns.validated(number, len(line), dict(zip(columns, values, strict=True)))


def _split(line: str) -> list[str] | None:
    try:
        records = list(csv.reader([line.rstrip("\r\n")], strict=True))
    except csv.Error:
        return None
    return records[0] if len(records) == 1 else None


def _malformed(values: list[str] | None, columns: list[str]) -> str:
    if values is None:
        return _("The quotes of this line do not match.")
    return _("This line has %(values)d values for %(columns)d columns.") % {
        "values": len(values),
        "columns": len(columns),
    }
