"""The documents and the code match."""

import re
from pathlib import Path

import pytest
from corsheaders.conf import conf as cors_settings
from django.conf import global_settings

import foodfleet
from foodfleet.modules.discovery import PRODUCT
from foodfleet.tests.routes.test_every_route import ROUTES

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = (ROOT / "foodfleet/settings.py").read_text()
VARIABLES = sorted(set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', SETTINGS)))
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = "".join(
    path.read_text()
    for app in PRODUCT
    for path in (ROOT / app).rglob("*.py")
    if "tests" not in path.parts and path.name != "settings.py"
)


def test_every_variable_is_described():
    text = (ROOT / "docs/configuration.md").read_text()
    assert not [name for name in VARIABLES if f"`{name}`" not in text], "describe it in docs/configuration.md"


def test_no_variable_is_described_that_is_not_read():
    rows = re.findall(r"^\| (`[A-Z0-9_`, ]+`) \|", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE)
    described = {name for row in rows for name in re.findall(r"`([A-Z0-9_]+)`", row)}
    assert described <= {*VARIABLES, "HOST"}


def test_every_variable_is_used():
    """A variable's value is used where its name, or the setting it is assigned to, occurs a second time.

    In settings.py itself, in the code, or in what starts the processes (Makefile).
    """
    unused = []
    for name in VARIABLES:
        assigned = re.search(rf'^ *([A-Z_0-9]+) = .*env\.\w+\(\s*"{name}"', SETTINGS, re.MULTILINE)
        setting = assigned[1] if assigned else name
        in_settings = len(re.findall(rf"\b{setting}\b", SETTINGS)) - (1 if assigned else 0)
        in_settings -= len(re.findall(rf'"{setting}"', SETTINGS))  # the name of the variable itself
        others = SOURCES + (ROOT / "Makefile").read_text()
        if hasattr(global_settings, setting) or hasattr(cors_settings, setting):
            continue  # Django or django-cors-headers reads it
        if assigned and in_settings < 1 and not re.search(rf"\b{setting}\b", others):
            unused.append(setting)
    assert not unused, "nothing reads these settings"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path):
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_every_act_of_the_admin_has_a_call_with_its_permission():
    routes = {
        (method, re.sub(r"\{\w+\}", "{}", path)): who for path, calls in ROUTES.items() for method, who in calls.items()
    }
    text = (ROOT / "docs/api.md").read_text()
    rows = re.findall(r"^\|.*\| `([A-Z]+) /(\S+)` \| `(\S+)` \|$", text, re.MULTILINE)
    assert len(rows) == len(re.findall(r"^\| ", text, re.MULTILINE)) - 1, "a row has another form"
    wrong = [row for row in rows if routes.get((row[0], re.sub(r"\{\w+\}", "{}", row[1]))) != row[2]]
    assert not wrong


def test_the_readme_names_only_commands_that_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert {first or second for first, second in named} <= targets


def test_the_changelog_has_the_version_of_the_code():
    assert re.search(rf"^## \[{re.escape(foodfleet.__version__)}\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
