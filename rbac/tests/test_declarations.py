"""What the apps declare is free of contradictions, and documented."""

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from foodfleet.modules.discovery import PRODUCT
from rbac.permissions import DRIVER, Resource
from rbac.services import declarations
from rbac.services.declarations import declared


def written() -> dict[str, dict[str, bool]]:
    """Codename -> role -> whether the table of docs/roles.md says yes."""
    rows = [line for line in Path(settings.BASE_DIR, "docs", "roles.md").read_text().splitlines() if line[:1] == "|"]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    header = next(row for row in cells if row[0] == "Permission")
    return {
        row[0].strip("`"): {role: cell == "yes" for role, cell in zip(header[2:], row[2:], strict=True)}
        for row in cells
        if row[0].startswith("`")
    }


def product_codenames() -> dict[str, str]:
    """The codenames of the product's own apps with their descriptions; a module documents its own."""
    resources = [one for app in PRODUCT[1:] for one in import_module(f"{app}.permissions").RESOURCES]
    return {codename: sentence for resource in resources for codename, sentence in resource.codenames.items()}


def test_the_documented_table_matches_the_declared_permissions():
    roles = declared().roles
    expected = {
        codename: {role.name: codename in has for role, has in roles.items()} for codename in product_codenames()
    }
    assert written() == expected, "docs/roles.md has a row for each permission"


def test_every_default_role_and_permission_has_a_description():
    text = Path(settings.BASE_DIR, "docs", "roles.md").read_text()
    for role in declared().roles:
        assert f"| {role.name} | {role.description} | {'yes' if role.requires_2fa else 'no'} |" in text
    rows = [f"| `{name}` | {sentence} |" for name, sentence in product_codenames().items()]
    assert not [row for row in rows if row not in text], "docs/roles.md has a row for each permission"


@pytest.fixture
def declaring(monkeypatch):
    """Return what these resources and grants declare, without the installed apps."""

    def read(*resources, **grants):
        module = SimpleNamespace(RESOURCES=resources, GRANTS=grants)
        monkeypatch.setattr(declarations, "_modules", lambda: [module])
        return declared.__wrapped__()

    return read


def test_a_permission_is_declared_once(declaring):
    with pytest.raises(ImproperlyConfigured, match="Declared twice: ovens:heat"):
        declaring(Resource("ovens", {"heat": "Heat"}), Resource("ovens", {"heat": "Heat", "clean": "Clean"}))


def test_a_role_is_granted_declared_permissions_only(declaring):
    with pytest.raises(ImproperlyConfigured, match="Driver is granted undeclared permissions: ovens:clean"):
        declaring(Resource("ovens", {"heat": "Heat"}), **{DRIVER: {"ovens:heat", "ovens:clean"}})


def test_an_asterisk_grants_every_permission(declaring):
    found = declaring(Resource("ovens", {"heat": "Heat", "clean": "Clean"}), **{DRIVER: {"*"}})
    roles = {role.name: codenames for role, codenames in found.roles.items() if codenames}
    assert roles == {DRIVER: {"ovens:heat", "ovens:clean"}}
    assert found.all_powerful == {DRIVER}


def test_aliases_open_only_actions_that_the_resource_has(declaring):
    ovens = Resource(
        "ovens", {"read": "See", "heat": "Heat"}, models=("kitchen.Oven",), aliases={"kitchen.hot": "heat"}
    )
    assert declaring(ovens).aliases == {"kitchen.view_oven": "ovens:read", "kitchen.hot": "ovens:heat"}
