"""`manage.py startmodule` lays out a module that works, passes its tests and the guards of the project."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from foodfleet.tests.processes import ROOT

pytestmark = pytest.mark.once
BIN = Path(sys.executable).parent
GUARDS = (
    "foodfleet/tests/test_structure.py",
    "foodfleet/tests/routes/test_every_route.py::test_without_a_role_every_permission_is_missed_by_name",
    "foodfleet/tests/routes/test_endpoints.py::test_only_the_expected_endpoints_are_public",
    "foodfleet/tests/routes/test_openapi_document.py::test_every_operation_has_a_name_a_title_and_a_described_tag",
    "rbac/tests/test_permissions.py",
)


@pytest.fixture
def project(tmp_path):
    """A copy of the project."""
    folder = tmp_path / "project"
    unwanted = shutil.ignore_patterns(".*", "var", "benchmarks", "__pycache__")
    shutil.copytree(ROOT, folder, ignore=unwanted)
    return folder


def run(folder, *command):
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    environment |= {"DEBUG": "true", "FOODFLEET_TEST_SERVICES": "0", "PYTHONPATH": str(folder)}
    result = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
    return result.stdout


def test_a_new_module_passes_its_tests_and_the_guards(project):
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    run(project, sys.executable, "manage.py", "startmodule", "catering", "--resource", "menu_card")
    changed = [path for path, content in before.items() if path.suffix != ".pyc" and path.read_bytes() != content]
    assert not changed
    assert (project / "catering/migrations/0001_initial.py").exists()
    run(project, BIN / "ruff", "check", "--no-cache", "catering")
    run(project, BIN / "ruff", "format", "--no-cache", "--check", "catering")
    run(project, sys.executable, "manage.py", "check", "--fail-level", "WARNING")
    (project / "layers.toml").write_text(run(project, sys.executable, "-m", "foodfleet.modules.layers"))
    run(project, BIN / "lint-imports", "--no-cache", "--config", "layers.toml")
    run(project, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "catering", *GUARDS)


@pytest.mark.parametrize("name", ["Trucks", "food-trucks", "2trucks", "trucks_", "accounts", "json", "roles", "login"])
def test_a_name_that_cannot_be_a_module_is_refused(name):
    with pytest.raises(CommandError, match=name):
        call_command("startmodule", name, resource="truck")
    assert not (ROOT / name).exists() or name == "accounts"
