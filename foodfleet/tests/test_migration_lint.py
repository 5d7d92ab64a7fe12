"""New migrations are safe while the release before still runs, as django-migration-linter understands it.

One that is meant to need a stop of every process goes into NEEDS_A_STOP, and into the upgrade notes of CHANGELOG.md.
"""

from pathlib import Path

import pytest
from django.conf import settings
from django_migration_linter import MigrationLinter

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]
# The last migration of each app that was written before this test. The upgrade notes ask for a stop of every process.
LINTED_AFTER = {"accounts": 34, "core": 9, "notifications": 19, "rbac": 8}
NEEDS_A_STOP: list[str] = []
# The linter forbids every change of a type. A longer varchar needs no rewrite, and the release before writes what fits.
LENGTHENS_A_COLUMN = ["0010_longer_names_of_counts"]


def lint(**options):
    linter = MigrationLinter(str(settings.BASE_DIR), no_cache=True, **options)
    linter.lint_all_migrations()
    return linter


def older():
    for app, last in LINTED_AFTER.items():
        folder = settings.BASE_DIR / ("foodfleet/core" if app == "core" else app) / "migrations"
        yield from (path.stem for path in Path(folder).glob("0*.py") if int(path.stem[:4]) <= last)


def test_a_new_migration_can_be_applied_while_the_release_before_runs():
    linter = lint(include_apps=[*LINTED_AFTER], ignore_name=[*older(), *NEEDS_A_STOP, *LENGTHENS_A_COLUMN])
    assert not linter.has_errors, "The captured output tells which migration, and why."


def test_the_linter_finds_a_column_that_is_renamed():
    assert lint(include_apps=["notifications"], include_name=["0016_rename_delivery_fields"]).has_errors
