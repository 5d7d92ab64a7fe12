"""Rules of the architecture that import-linter cannot express, checked over the syntax trees."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from django.core.management import call_command

from foodfleet.modules import discovery

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
APPS = (*discovery.PRODUCT, *discovery.beside(ROOT))
SOURCES = sorted(
    path
    for app in APPS
    for path in (ROOT / app).rglob("*.py")
    if "tests" not in path.relative_to(ROOT).parts and "migrations" not in path.relative_to(ROOT).parts
)
ENVIRONMENT_READERS = {
    "foodfleet/settings.py",
    "foodfleet/wsgi.py",
    "foodfleet/asgi.py",
    "foodfleet/celery.py",
    "foodfleet/serve.py",
    "foodfleet/__main__.py",
    "foodfleet/testing/environment.py",
}
MAX_LINES = 400
MAX_MODULES = 15  # of a folder
MAX_LINES_OF_A_FUNCTION = 40
MAX_LETTERS_OF_A_TEST = 70


def name_of(path):
    return str(path.relative_to(ROOT))


@cache
def tree_of(path):
    return ast.parse(path.read_text())


def imports(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers(paths, *forbidden):
    """The modules of `paths` that import something below one of these names, with what they import."""
    found = {
        name_of(path): [name for name in imports(path) if f"{name}.".startswith(tuple(f"{one}." for one in forbidden))]
        for path in paths
    }
    return {name: names for name, names in found.items() if names}


def test_the_rules_see_the_whole_project():
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == set(APPS)
    assert len(SOURCES) > 300


def test_no_module_is_longer_than_400_lines():
    long = {name_of(path): lines for path in SOURCES if (lines := len(path.read_text().splitlines())) > MAX_LINES}
    assert not long, f"split by meaning: {long}"


def test_no_folder_has_more_than_15_modules():
    folders = Counter(path.parent for path in SOURCES if path.name != "__init__.py")
    full = {str(folder.relative_to(ROOT)): count for folder, count in folders.items() if count > MAX_MODULES}
    assert not full, f"make a package of those that belong together: {full}"


def test_no_function_is_longer_than_40_lines():
    long = [
        f"{name_of(path)}: {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno - node.lineno + 1 > MAX_LINES_OF_A_FUNCTION
    ]
    assert not long, "extract what has a name of its own"


def test_no_name_of_a_test_is_longer_than_70_letters():
    tests = [path for app in discovery.PRODUCT for path in (ROOT / app).rglob("test_*.py")]
    long = [
        f"{name_of(path)}: {name}"
        for path in tests
        for name in re.findall(r"def (test_\w+)", path.read_text())
        if len(name) > MAX_LETTERS_OF_A_TEST
    ]
    assert tests
    assert not long, "say the rule in fewer words"


def test_each_service_module_has_a_test_file_of_its_name():
    """Of the product alone: a module is laid out with tests of its API, and tests its services as it likes."""
    services = [(ROOT / app, path) for app in discovery.PRODUCT for path in (ROOT / app / "services").rglob("*.py")]
    expected = {
        name_of(path): app / "tests" / path.relative_to(app / "services").with_name(f"test_{path.name}")
        for app, path in services
        if path.name != "__init__.py"
    }
    assert len(expected) > 100
    missing = {path: name_of(test) for path, test in expected.items() if not test.exists()}
    assert not missing, f"move the tests of a module's rules into the file of its name, or write them: {missing}"


def test_only_settings_read_the_environment():
    readers = {name_of(path) for path in SOURCES if "os.environ" in path.read_text() or "getenv" in path.read_text()}
    assert not readers - ENVIRONMENT_READERS, "read it in settings.py, through foodfleet.environment"


def test_services_do_not_import_http():
    services = [path for path in SOURCES if "services" in path.relative_to(ROOT).parts]
    assert services
    assert not importers(services, "django.http", "django.shortcuts", "django.forms"), "that belongs in api/ or pages/"


def test_the_api_uses_our_serializers_with_strict_types():
    api = [path for path in SOURCES if "api" in path.relative_to(ROOT).parts]
    assert not importers(api, "rest_framework.serializers"), "import foodfleet.core.http.serializers"


def test_only_gateways_import_boto3():
    others = [path for path in SOURCES if "gateways" not in path.relative_to(ROOT).parts]
    assert not importers(others, "boto3", "botocore"), "move the call to a gateway"


def test_models_import_no_services_and_no_signals():
    models = [path for path in SOURCES if path.name == "models.py" or "models" in path.relative_to(ROOT).parts]
    assert models
    own = tuple(f"{app}.{layer}" for app in APPS for layer in ("services", "signals"))
    assert not importers(models, *own), "a service changes rows and sends signals"


def saves_a_whole_row(call):
    """Whether this call is `row.save()` of a row that may exist: neither some fields of it, nor an insertion."""
    named = {keyword.arg for keyword in call.keywords}
    is_save = isinstance(call.func, ast.Attribute) and call.func.attr == "save"
    is_super = is_save and isinstance(call.func.value, ast.Call)  # a model's own `save`, which passes all on
    return is_save and not is_super and not call.args and not named - {"using", "commit"}


def test_no_row_is_saved_whole():
    whole = [
        f"{name_of(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and saves_a_whole_row(node)
    ]
    assert not whole, "save named fields of a row that was locked, or use force_insert=True"


WRITING_VIEWS = {
    "ModelViewSet", "CreateModelMixin", "UpdateModelMixin", "DestroyModelMixin", "CreateAPIView", "UpdateAPIView",
    "DestroyAPIView", "ListCreateAPIView", "RetrieveUpdateAPIView", "RetrieveDestroyAPIView",
    "RetrieveUpdateDestroyAPIView", "CreateView", "UpdateView", "DeleteView",
}  # fmt: skip


def test_no_view_writes_without_a_service():
    writing = [
        f"{name_of(path)}: {node.name}"
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef)
        and {ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases} & WRITING_VIEWS
    ]
    assert not writing, "call a service, which checks the sender's permissions again"


def test_an_admin_that_changes_rows_does_it_by_services():
    from django.contrib import admin

    from foodfleet.core.admin.forms import ServiceAdmin
    from foodfleet.core.admin.search import model_admins

    writing = [
        one.model.__name__
        for one in model_admins(admin.site)
        if not isinstance(one, ServiceAdmin)
        and type(one).has_change_permission is admin.ModelAdmin.has_change_permission
    ]
    assert not writing, "subclass foodfleet.core.admin.forms.ServiceAdmin, or ReadOnlyMixin where nothing changes"


def test_there_is_no_utils_module():
    assert not [name_of(path) for path in SOURCES if path.stem in {"utils", "helpers", "misc"}], (
        "name it by its subject"
    )


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_openapi_document_builds_without_a_warning(capsys, tmp_path):
    call_command("spectacular", file=str(tmp_path / "schema.yml"), validate=True, fail_on_warn=True)
    assert (tmp_path / "schema.yml").stat().st_size > 1000
