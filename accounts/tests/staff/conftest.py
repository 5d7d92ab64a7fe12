"""Fixtures of the tests of imports."""

import csv
import io

import pytest
from django.core.management import call_command


@pytest.fixture
def run(tmp_path):
    """Import this text or these bytes; answers the summary and the reported rows."""

    def call(content, *options):
        path, report = tmp_path / "people.csv", tmp_path / "report.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        out = io.StringIO()
        call_command("import_users", str(path), "--errors", str(report), *options, stdout=out, stderr=io.StringIO())
        header, *rows = csv.reader(report.read_text(encoding="utf-8").splitlines())
        assert header == ["line", "field", "message"]
        return out.getvalue().strip(), rows

    return call
