"""`manage.py startmodule` lays out a module that works, passes its tests and the guards of the project."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from foodfleet.modules.management.commands import startmodule
from foodfleet.tests.modules import tutorial
from foodfleet.tests.processes import ROOT

pytestmark = pytest.mark.once
BIN = Path(sys.executable).parent
GUARDS = (
    "foodfleet/tests/test_structure.py",
    "foodfleet/tests/routes/test_every_route.py::test_without_a_role_every_permission_is_missed_by_name",
    "foodfleet/tests/routes/test_endpoints.py::test_only_the_expected_endpoints_are_public",
    "foodfleet/tests/routes/test_openapi_document.py::test_every_operation_has_a_name_a_title_and_a_described_tag",
    "rbac/tests/test_declarations.py",
)
TRANSLATION_TEST = """from django.utils import translation


def test_texts_of_the_module_are_translated_by_its_own_catalogue():
    with translation.override("de"):
        assert translation.gettext("Your truck") == "Ihr Truck"
"""


@pytest.fixture
def project(tmp_path):
    """A copy of the project."""
    folder = tmp_path / "project"
    unwanted = shutil.ignore_patterns(".*", "var", "benchmarks")
    shutil.copytree(ROOT, folder, ignore=unwanted)
    return folder


def run(folder, *command):
    unwanted = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    environment |= {"DEBUG": "true", "FOODFLEET_TEST_SERVICES": "0", "PYTHONPATH": str(folder)}
    result = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
    return result.stdout


def python(folder, *arguments):
    return run(folder, sys.executable, *arguments)


def test_new_modules_and_the_documented_one_pass_tests_and_guards(project):
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    python(project, "manage.py", "startmodule", "catering", "--resource", "menu_card")
    python(project, "manage.py", "startmodule", "trucks", "--resource", "truck")
    changed = [path for path, content in before.items() if path.suffix != ".pyc" and path.read_bytes() != content]
    assert not changed
    assert (project / "catering/migrations/0001_initial.py").exists()
    extend_as_documented(project)
    run(project, BIN / "ruff", "check", "--no-cache", "catering", "trucks")
    run(project, BIN / "ruff", "format", "--no-cache", "--check", "catering")
    python(project, "manage.py", "check", "--fail-level", "WARNING")
    (project / "layers.toml").write_text(python(project, "-m", "foodfleet.modules.layers"))
    run(project, BIN / "lint-imports", "--no-cache", "--config", "layers.toml")
    python(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "catering", "trucks", *GUARDS)


def extend_as_documented(project):
    """Take the steps of docs/modules.md in trucks/, with a German translation in the module's own folder."""
    trucks = project / "trucks"
    tutorial.apply(trucks)
    run(project, BIN / "ruff", "check", "--no-cache", "--select", "I", "--fix", "trucks")  # these two: make format
    run(project, BIN / "ruff", "format", "--no-cache", "trucks")
    python(project, "manage.py", "makemigrations", "trucks")
    catalogue = trucks / "locale/de/LC_MESSAGES/django.po"
    catalogue.parent.mkdir(parents=True)
    run(trucks, BIN / "django-admin", "makemessages", "--locale", "de")
    text = catalogue.read_text()
    assert 'msgid "You drive %(truck)s"' in text
    catalogue.write_text(text.replace('msgid "Your truck"\nmsgstr ""', 'msgid "Your truck"\nmsgstr "Ihr Truck"'))
    run(trucks, BIN / "django-admin", "compilemessages")
    (trucks / "tests/test_locale.py").write_text(TRANSLATION_TEST)


@pytest.mark.parametrize(
    "name", ["Trucks", "food-trucks", "2trucks", "trucks_", "accounts", "json", "roles", "login", "class", "status"]
)
def test_a_name_that_cannot_be_a_module_is_refused(name):
    with pytest.raises(CommandError, match=name):
        call_command("startmodule", name, resource="truck")
    assert not (ROOT / name).exists() or name == "accounts"


@pytest.mark.parametrize("resource", ["Truck", "import", "none", "client", "request", "any", "signal", "id", "depots"])
def test_a_resource_that_the_code_cannot_name_is_refused(resource):
    with pytest.raises(CommandError, match=resource):
        call_command("startmodule", "depots", resource=resource)
    assert not (ROOT / "depots").exists()


def test_a_module_that_cannot_be_loaded_is_removed_again(settings, tmp_path):
    settings.BASE_DIR = tmp_path  # where the command finds no module of that name
    with pytest.raises(CommandError, match="depots/ was removed again, because it cannot be loaded"):
        call_command("startmodule", "depots", resource="depot")
    assert not (tmp_path / "depots").exists()


def test_a_command_that_ends_without_a_word_is_told(settings, tmp_path, monkeypatch):
    def killed(command):
        raise subprocess.CalledProcessError(-9, command, "", "")

    settings.BASE_DIR = tmp_path
    monkeypatch.setattr(startmodule, "run", killed)
    with pytest.raises(CommandError, match="SIGKILL"):
        call_command("startmodule", "depots", resource="depot")
    assert not (tmp_path / "depots").exists()
