"""CSV files of users are read line by line."""

import io

import pytest
from django.core.management import CommandError

from accounts.models import User
from accounts.services.staff import csv_file
from accounts.tests.staff.test_imports import (
    HEADER,
    summary,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_byte_order_mark_is_no_part_of_the_header(run):
    assert run(b"\xef\xbb\xbf" + (HEADER + "ann@example.com,,,,\n").encode())[0] == summary(1, 1)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ((HEADER + "a@example.com,,,,\nb@example.com,Zoë,,,\n").encode("latin-1"), "Line 3 is not UTF-8"),
        ((HEADER + "a@example.com,,,,\n").encode("utf-16"), "Line 1 is not UTF-8"),
        ((HEADER + "a@example.com,,,,\n").encode("utf-16-le"), "The first line has to name the columns"),
        (b"", "The first line has to name the columns"),
        (b"a@example.com,,,,\n", "The first line has to name the columns"),
        (b"email;first_name\na@example.com;Ann\n", "The first line has to name the columns"),
        (b"email,password\na@example.com,x\n", "The first line has to name the columns"),
        (b"email,email\na@example.com,x\n", "The first line has to name the columns"),
        (b'email,"first_name\na@example.com,x\n', "The first line has to name the columns"),
    ],
)
def test_an_import_rejects_a_file_with_wrong_encoding_or_header(run, content, sentence):
    with pytest.raises(CommandError, match=sentence):
        run(content)
    assert not User.objects.exists()


def rows_of(*lines):
    return list(csv_file.read(io.BytesIO("\n".join(lines).encode())))


@pytest.mark.once
def test_lines_are_numbered_as_in_an_editor_and_empty_ones_skipped():
    rows = rows_of("email, First_Name", "ann@example.com,Ann", "", "  ", "bob@example.com,Bob")
    assert [(row.line, row.values["first_name"]) for row in rows] == [(2, "Ann"), (5, "Bob")]
    assert [row.size for row in rows] == [20, 19]  # of each line in bytes, with its line break


@pytest.mark.once
def test_a_malformed_line_is_refused_alone():
    rows = rows_of("email,first_name", 'ann@example.com,"Ann', "bob@example.com", "cid@example.com,Cid", "x,y,z")
    assert [[(problem.line, problem.field) for problem in row.problems] for row in rows] == [
        [(2, csv_file.WHOLE_LINE)], [(3, csv_file.WHOLE_LINE)], [], [(5, csv_file.WHOLE_LINE)],
    ]  # fmt: skip
    assert "Ann" not in str(rows[0].problems)
