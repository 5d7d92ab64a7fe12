"""What the architecture says and import-linter cannot: checked over the syntax trees."""

import ast
from pathlib import Path

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
APPS = ("foodfleet", "rbac", "accounts", "notifications")
SOURCES = sorted(
    path
    for app in APPS
    for path in (ROOT / app).rglob("*.py")
    if "tests" not in path.parts and "migrations" not in path.parts
)
ALLOWED_ENVIRON = {"foodfleet/settings.py", "foodfleet/wsgi.py", "foodfleet/asgi.py", "foodfleet/celery.py"}
MAX_LINES = 400
MAX_LINES_OF_A_FUNCTION = 40


def name_of(path):
    return str(path.relative_to(ROOT))


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_is_short_enough_to_read_in_one_go(path):
    assert len(path.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_only_settings_read_the_environment(path):
    if name_of(path) not in ALLOWED_ENVIRON:
        assert not {name for name in imports(ast.parse(path.read_text())) if name == "os.environ"}
        assert "os.environ" not in path.read_text()


@pytest.mark.parametrize("path", [p for p in SOURCES if "services" in p.parts], ids=name_of)
def test_services_know_no_http(path):
    assert not [name for name in imports(ast.parse(path.read_text())) if name.startswith("django.http")]


@pytest.mark.parametrize("path", [p for p in SOURCES if "gateways" not in p.parts], ids=name_of)
def test_only_gateways_speak_to_amazon(path):
    assert not [name for name in imports(ast.parse(path.read_text())) if name.split(".")[0] in {"boto3", "botocore"}]


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name == "models.py" or "models" in p.parts], ids=name_of)
def test_models_know_no_services_and_no_signals(path):
    assert not [name for name in imports(ast.parse(path.read_text())) if ".services" in name or ".signals" in name]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_function_does_one_thing_at_one_level(path):
    long = [
        f"{node.name} has {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno - node.lineno + 1 > MAX_LINES_OF_A_FUNCTION
    ]
    assert not long


def test_there_is_no_utils_module():
    assert not [name_of(path) for path in SOURCES if path.stem in {"utils", "helpers", "misc"}]


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_openapi_document_builds_without_a_warning(capsys, tmp_path):
    call_command("spectacular", file=str(tmp_path / "schema.yml"), validate=True, fail_on_warn=True)
    assert (tmp_path / "schema.yml").stat().st_size > 1000
