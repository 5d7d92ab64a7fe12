"""The text of each column becomes a value, or a problem without the value."""

from datetime import UTC, datetime

import pytest

from accounts.services.staff import import_columns
from accounts.services.staff.import_columns import RoleName
from accounts.tests.staff.test_imports import (
    COLUMNS,
    refusals,
    summary,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_wrong_value_is_reported_without_the_value(run):
    lines = [
        "a@example.com,pbkdf2_sha256$1000000000$salt$AAAA,,,,,,,,",
        "b@example.com,,perhaps,,,,,,,",
        "c@example.com,,,,,,,2999-01-01,,",
        "d@example.com,,,,,,,2020-13-45,,",
        "e@example.com,,,,,,,,Pirate,",
        "f@example.com,,,,,,,,Driver@Fleet:12,",
        "g@example.com,,,,,,,,,JBSWY",
        "h@example.com,,,,,,,,,not-base32!",
    ]
    said, rows = run(COLUMNS + "\n".join(lines))
    expected = [(2, "password_hash"), (3, "email_verified"), (4, "created_at"), (5, "created_at"), (8, "totp_secret")]
    expected += [(9, "totp_secret"), (6, "roles"), (7, "roles")]
    assert sorted(refusals(rows)) == sorted(expected)
    assert said == summary(8, 0, refused=8)
    assert not any(secret in str(rows) for secret in ("1000000000", "JBSWY", "perhaps"))


def values_of(**texts):
    row = import_columns.validated(2, 80, {"email": "ann@example.com", **texts})
    assert row.problems == []
    return row.values


@pytest.mark.once
@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("email", " Ann@Example.COM ", "ann@example.com"),
        ("language", "DE", "de"),
        ("is_active", "", None),
        ("is_active", "Yes", True),
        ("is_active", "0", False),
        ("created_at", "2024-01-31", datetime(2024, 1, 31, tzinfo=UTC)),
        ("created_at", "2024-01-31T08:30:00+02:00", datetime(2024, 1, 31, 6, 30, tzinfo=UTC)),
        ("roles", "Driver; Kitchen@fleet:12 ;Driver;", [RoleName("Driver"), RoleName("Kitchen", "fleet:12")]),
        ("roles", "ann@home", [RoleName("ann@home")]),  # an @ in the name of a role
        ("scopes", "fleet:12;fleet:12; fleet:13", ["fleet:12", "fleet:13"]),
        ("totp_secret", "gezd gnbv gy3t qojq", "GEZDGNBVGY3TQOJQ"),
        ("totp_secret", "", ""),
    ],
)
def test_the_text_of_a_column_becomes_a_value(column, text, value):
    assert values_of(**{column: text})[column] == value


@pytest.mark.once
@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("email", "no address"), ("language", "tlh"), ("is_active", "perhaps"), ("created_at", "2999-01-01"),
        ("created_at", "1969-12-31"), ("totp_secret", "GEZD"), ("totp_secret", "1" * 32), ("first_name", "half \ud800"),
    ],
)  # fmt: skip
def test_a_wrong_text_is_a_problem_of_its_column(column, text):
    row = import_columns.validated(7, 80, {"email": "ann@example.com", column: text})
    assert [(problem.line, problem.field) for problem in row.problems] == [(7, column)]
    assert text not in str(row.problems)
